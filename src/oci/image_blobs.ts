import { DamselflyError, type ErrorCode } from "../core/error.ts";
import { parseDistributionPath } from "./distribution_path.ts";
import { ACCEPT_ANY_IMAGE, getImageDocument } from "./image_document.ts";
import { type Credentials, PullClient, type PullEffects } from "./image_pull_client.ts";
import { chooseEntries, type ImageDocument, type IndexEntry } from "./image_pull_manifest.ts";
import type { Platform } from "./platform.ts";

/** An index may point to another one; no registry nests them deeper. */
const INDEX_DEPTH_MAX = 3;
/** Manifests of one image that are read. */
const MANIFESTS_MAX = 100;
/** What build tools note of an image besides it is no machine's (BuildKit, "Attestation storage"). */
const NO_PLATFORM = "unknown";
/** Layers that registries need not have, for somebody else hands them out (OCI image-spec, "Non-Distributable Layers"). */
const FOREIGN = /\.foreign\.|\.nondistributable\./;

/** Failures that say of a service itself what here is true of the registry. */
const OF_REGISTRY: ReadonlySet<ErrorCode> = new Set(["unavailable", "timeout", "unauthenticated", "permission_denied"]);

/** What reading an image failed with, told so that nobody takes it for the reader's own: as `source_error`. */
export function asSourceError(cause: unknown): unknown {
  if (!(cause instanceof DamselflyError) || !OF_REGISTRY.has(cause.code)) return cause;
  return new DamselflyError("source_error", cause.message, { cause });
}

/** An image by the URL of its manifest, and how to ask for it. */
export interface ImageRequest {
  /** `scheme://host/v2/<repository>/manifests/<tag or digest>`. */
  readonly url: string;
  /** Sent to the registry; an `Authorization` among them is used before any login. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | undefined;
}

/** An image, and which machines it is for. */
export interface ImageBlobsRequest extends ImageRequest {
  /** Left out, all machines of an index. */
  readonly platform: Platform | undefined;
}

/** The blobs of an image. */
export interface ImageBlobs {
  /** URLs of configs and layers, each once. */
  readonly urls: readonly string[];
  /** Digests of layers that registries need not have. */
  readonly foreign: readonly string[];
  /** What the registry wants to see for the blobs: undefined when it asks for nothing but what the request had. */
  readonly login: Pick<PullClient, "authorization" | "renew">;
}

/**
 * Finds the blobs of an image at its registry, with the login that this asks for. Throws `invalid_argument` for a URL
 * that is no manifest's, `not_found` when there is none for the platform, and what `getImageDocument` throws.
 */
export async function findImageBlobs(
  { platform, ...image }: ImageBlobsRequest,
  effects: PullEffects,
  signal: AbortSignal,
): Promise<ImageBlobs> {
  const { client, url, repository, reference, headers: asked } = openImage(image, effects);
  const get = (name: string) => getImageDocument(client, name, asked, signal);
  const blobs = new Set<string>();
  const foreign = new Set<string>();
  let manifests = 0;
  for await (const manifest of manifestsOf(await get(reference), platform, get, INDEX_DEPTH_MAX)) {
    if (++manifests > MANIFESTS_MAX) {
      throw new DamselflyError("source_error", `Cannot find the image: it has more than ${MANIFESTS_MAX} manifests`);
    }
    for (const { digest, mediaType } of manifest.blobs) (FOREIGN.test(mediaType) ? foreign : blobs).add(digest);
  }
  const urlOf = (digest: string) => new URL(`/v2/${repository}/blobs/${digest}`, url).href;
  return { urls: [...blobs].map(urlOf), foreign: [...foreign], login: client };
}

/** Whom to ask for an image, and how. Throws `invalid_argument` for a URL that is no manifest's. */
export function openImage({ url: text, headers, credentials }: ImageRequest, effects: PullEffects) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const path = url === undefined ? undefined : parseDistributionPath(url.pathname);
  if (url === undefined || path?.kind !== "manifest") {
    throw new DamselflyError("invalid_argument", "Cannot find the image: its URL is not …/v2/<name>/manifests/<tag>");
  }
  const { repository, reference } = path;
  const target = { endpoint: url.origin, namespace: url.host, repository };
  const client = new PullClient(credentials === undefined ? target : { ...target, credentials }, effects);
  return { client, url, repository, reference, headers: { ...lowerCased(headers), accept: ACCEPT_ANY_IMAGE } };
}

type Manifest = ImageDocument & { readonly kind: "manifest" };

async function* manifestsOf(
  document: ImageDocument,
  platform: Platform | undefined,
  get: (digest: string) => Promise<ImageDocument>,
  depth: number,
): AsyncGenerator<Manifest, void, undefined> {
  if (document.kind === "manifest") return yield document;
  if (depth === 0) throw new DamselflyError("source_error", "Cannot find the image: its indexes are nested too deep");
  const chosen = platform === undefined ? machinesOf(document) : chooseEntries(document, platform);
  for (const { digest } of chosen) yield* manifestsOf(await get(digest), platform, get, depth - 1);
}

function machinesOf({ manifests }: ImageDocument & { readonly kind: "index" }): readonly IndexEntry[] {
  return manifests.filter(({ platform }) => platform?.os !== NO_PLATFORM);
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
