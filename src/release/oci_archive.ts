/** An image as one file, which containerd, Docker, Podman and skopeo read. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { VERSION } from "../core/version.ts";
import { parseImageReference } from "../oci/image_reference.ts";
import { MEDIA_TYPE } from "../oci/image_pull_manifest.ts";
import { envOf, HEALTH, healthCommand, type ShippedImage } from "./images.ts";
import type { Origin } from "./origin.ts";
import { tarOf, textEntry, type TreeEntry } from "./tree.ts";

const GZIP_LEVEL = 6;
const NANOSECONDS = 1_000_000_000;

/** A layer, compressed. */
export interface Layer {
  readonly digest: string;
  /** The digest of what it is uncompressed. */
  readonly diffId: string;
  readonly bytes: Buffer;
}

/** Makes a layer of entries; `time` is in seconds since 1970. */
export async function layerOf(entries: readonly TreeEntry[], time: number): Promise<Layer> {
  const archive = await tarOf(entries, time);
  const bytes = gzipSync(archive, { level: GZIP_LEVEL });
  return { digest: digestOf(bytes), diffId: digestOf(archive), bytes };
}

/** What an image is called and made for. */
export interface ImagePlace {
  /** `amd64` or `arm64`. */
  readonly architecture: string;
  /** What is before the name of the image: `damselfly`, or a registry too. */
  readonly repository: string;
  readonly origin: Origin;
}

/** The name of an image as users write it. Throws `invalid_argument` when a repository cannot be called so. */
export function referenceOf({ name }: Pick<ShippedImage, "name">, repository: string): string {
  const reference = `${repository}/${name}:${VERSION}`;
  parseImageReference(reference);
  return reference;
}

/** The archive of an image: an OCI layout, and what older Docker engines look for besides. */
export async function imageArchive(
  image: ShippedImage,
  layers: readonly Layer[],
  { architecture, repository, origin }: ImagePlace,
): Promise<Buffer> {
  const config = Buffer.from(JSON.stringify(configOf(image, layers, architecture, origin)));
  const reference = referenceOf(image, repository);
  const { namespace, repository: path, tag } = parseImageReference(reference);
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: { mediaType: MEDIA_TYPE.config, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, bytes }) => ({ mediaType: MEDIA_TYPE.layer, digest, size: bytes.length })),
  }));
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.index,
    manifests: [{
      mediaType: MEDIA_TYPE.manifest,
      digest: digestOf(manifest),
      size: manifest.length,
      platform: { os: "linux", architecture },
      annotations: {
        // As containerd stores it, with the default registry in front where none is named.
        "io.containerd.image.name": `${namespace}/${path}:${tag}`,
        "org.opencontainers.image.ref.name": VERSION,
      },
    }],
  };
  const blobs = [config, manifest, ...layers.map(({ bytes }) => bytes)];
  const ofDocker = [{
    Config: blobPath(digestOf(config)),
    RepoTags: [reference],
    Layers: layers.map(({ digest }) => blobPath(digest)),
  }];
  return await tarOf([
    textEntry("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" })),
    textEntry("index.json", JSON.stringify(index)),
    textEntry("manifest.json", JSON.stringify(ofDocker)),
    ...blobs.map((bytes) => ({ path: blobPath(digestOf(bytes)), mode: 0o644, content: bytes })),
  ], origin.time);
}

function configOf(image: ShippedImage, layers: readonly Layer[], architecture: string, { commit, time }: Origin) {
  const created = new Date(time * 1000).toISOString();
  const health = healthCommand(image);
  return {
    created,
    architecture,
    os: "linux",
    config: {
      ...image.user !== undefined && { User: `${image.user.uid}:${image.user.gid}` },
      ExposedPorts: Object.fromEntries(image.ports.map((port) => [`${port}/tcp`, {}])),
      Env: Object.entries(envOf(image)).map(([name, value]) => `${name}=${value}`),
      Entrypoint: [`/usr/bin/${image.programs[0]}`],
      WorkingDir: "/",
      Labels: {
        "org.opencontainers.image.title": `damselfly ${image.name}`,
        "org.opencontainers.image.description": image.about,
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.licenses": "Apache-2.0",
        ...commit !== undefined && { "org.opencontainers.image.revision": commit },
      },
      ...health !== undefined && {
        Healthcheck: {
          Test: ["CMD", ...health],
          Interval: HEALTH.interval * NANOSECONDS,
          Timeout: HEALTH.timeout * NANOSECONDS,
          StartPeriod: HEALTH.startPeriod * NANOSECONDS,
          Retries: HEALTH.retries,
        },
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created, created_by: "deno task images" })),
  };
}

function blobPath(digest: string): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
