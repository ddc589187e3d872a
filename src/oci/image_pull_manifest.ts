import * as z from "zod";
import { tryParseDigest } from "../core/digest.ts";
import { DamselflyError } from "../core/error.ts";
import { formatPlatform, type Platform, platformRank } from "./platform.ts";

/** Media types of images (OCI image-spec, "Media Types"), and Docker's own for the same things. */
export const MEDIA_TYPE = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  artifact: "application/vnd.oci.artifact.manifest.v1+json",
} as const;

const DescriptorSchema = z.object({
  mediaType: z.string(),
  digest: z.string().refine((text) => tryParseDigest(text) !== undefined, "is not a digest"),
  size: z.int().nonnegative(),
});

/** What points to a content (OCI image-spec, "OCI Content Descriptors"). */
export type Descriptor = z.infer<typeof DescriptorSchema>;

const LayersSchema = z.array(DescriptorSchema).max(1000);
const ManifestSchema = z.object({ config: DescriptorSchema, layers: LayersSchema });
/** What artifacts were before they became manifests (OCI image-spec 1.1.0-rc, "Artifact Manifest"). */
const ArtifactSchema = z.object({ mediaType: z.literal(MEDIA_TYPE.artifact), blobs: LayersSchema });
/** Docker's first format, of which nothing tells how large its layers are. */
const OldSchema = z.object({ schemaVersion: z.literal(1) });
const IndexSchema = z.object({
  manifests: z.array(
    DescriptorSchema.extend({
      platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
    }),
  ).max(1000),
});
/** What points to a manifest, and for which machine that is. */
export type IndexEntry = z.infer<typeof IndexSchema>["manifests"][number];

/** An index or a manifest, parsed. */
export type ImageDocument =
  | ({ readonly kind: "index" } & z.infer<typeof IndexSchema>)
  | {
    readonly kind: "manifest";
    /** Config and layers of an image, or whatever an artifact is made of. */
    readonly blobs: readonly Descriptor[];
    readonly layers: readonly Descriptor[];
  };

/** Parses what a registry gave as an index or manifest. Throws `source_error` for anything else. */
export function parseImageDocument(bytes: Uint8Array): ImageDocument {
  const json = parseJson(bytes);
  const index = IndexSchema.safeParse(json);
  if (index.success) return { kind: "index", ...index.data };
  const manifest = ManifestSchema.safeParse(json);
  if (manifest.success) {
    const { config, layers } = manifest.data;
    return { kind: "manifest", blobs: [config, ...layers], layers };
  }
  const artifact = ArtifactSchema.safeParse(json);
  if (artifact.success) return { kind: "manifest", blobs: artifact.data.blobs, layers: artifact.data.blobs };
  const what = OldSchema.safeParse(json).success
    ? "is of Docker's schema version 1; build or push it anew"
    : "is neither an OCI or Docker index nor a manifest of schema version 2";
  throw new DamselflyError("source_error", `Cannot read the image: what the registry gave ${what}`);
}

/** The media type of an index or manifest: what it says itself, or what an OCI one is. Throws as {@link parseImageDocument}. */
export function mediaTypeOf(bytes: Uint8Array): string {
  const { kind } = parseImageDocument(bytes);
  const said = z.object({ mediaType: z.string() }).safeParse(parseJson(bytes));
  return said.success ? said.data.mediaType : MEDIA_TYPE[kind];
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * What of an index is for a machine: the entry that suits it best, or, where none says that it does, those that say
 * nothing of machines. Throws `not_found`.
 */
export function chooseEntries(index: ImageDocument & { kind: "index" }, wanted: Platform): readonly IndexEntry[] {
  let best: { readonly entry: IndexEntry; readonly rank: number } | undefined;
  for (const entry of index.manifests) {
    const rank = entry.platform === undefined ? undefined : platformRank(wanted, entry.platform);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { entry, rank };
  }
  if (best !== undefined) return [best.entry];
  const others = index.manifests.filter(({ platform }) => platform === undefined);
  if (others.length > 0) return others;
  const offered = index.manifests.flatMap(({ platform }) => platform === undefined ? [] : [formatPlatform(platform)]);
  throw new DamselflyError(
    "not_found",
    `Cannot find the image for ${formatPlatform(wanted)}: it exists for ${offered.join(", ") || "nothing"}`,
  );
}
