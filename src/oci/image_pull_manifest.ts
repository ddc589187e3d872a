import * as z from "zod";
import { tryParseDigest } from "../core/digest.ts";
import { DamselflyError } from "../core/error.ts";

/** Media types of images (OCI image-spec, "Media Types"), and Docker's own for the same things. */
export const MEDIA_TYPE = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

/** The machine an image is for, such as `linux`, `amd64`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Such as `v7` of `arm`; left out, any. */
  readonly variant?: string | undefined;
}

const DescriptorSchema = z.object({
  mediaType: z.string(),
  digest: z.string().refine((text) => tryParseDigest(text) !== undefined, "is not a digest"),
  size: z.int().nonnegative(),
});

/** What points to a content (OCI image-spec, "OCI Content Descriptors"). */
export type Descriptor = z.infer<typeof DescriptorSchema>;

const ManifestSchema = z.object({ config: DescriptorSchema, layers: z.array(DescriptorSchema).max(1000) });
const IndexSchema = z.object({
  manifests: z.array(
    DescriptorSchema.extend({
      platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
    }),
  ).max(1000),
});

/** An index or a manifest, parsed. */
export type ImageDocument =
  | ({ readonly kind: "index" } & z.infer<typeof IndexSchema>)
  | ({ readonly kind: "manifest" } & z.infer<typeof ManifestSchema>);

/** Parses what a registry gave as an index or manifest. Throws `source_error` for anything else. */
export function parseImageDocument(bytes: Uint8Array): ImageDocument {
  const json = parseJson(bytes);
  const index = IndexSchema.safeParse(json);
  if (index.success) return { kind: "index", ...index.data };
  const manifest = ManifestSchema.safeParse(json);
  if (manifest.success) return { kind: "manifest", ...manifest.data };
  throw new DamselflyError(
    "source_error",
    "Cannot read the image: the registry gave neither an OCI or Docker index nor a manifest of schema version 2",
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** The manifest of an index that fits the machine. Throws `not_found`. */
export function choosePlatform(index: ImageDocument & { kind: "index" }, wanted: Platform): Descriptor {
  const chosen = index.manifests.find(({ platform }) =>
    platform?.os === wanted.os && platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || platform.variant === wanted.variant)
  );
  if (chosen !== undefined) return chosen;
  const offered = index.manifests.flatMap(({ platform }) =>
    platform === undefined ? [] : [`${platform.os}/${platform.architecture}`]
  );
  throw new DamselflyError(
    "not_found",
    `Cannot find the image for ${wanted.os}/${wanted.architecture}: it exists for ${offered.join(", ") || "nothing"}`,
  );
}
