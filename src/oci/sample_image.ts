/** An image made on the spot: real archives of files, compressed, the same for the same seed. */
import { createCipheriv, createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { type Descriptor, MEDIA_TYPE } from "./image_pull_manifest.ts";

const MIB = 1024 * 1024;
const FILES_PER_LAYER = 8;
const ARCHITECTURES = ["amd64", "arm64"] as const;
/** Files are half noise and half text, so that layers compress about as well as programs do. */
const NOISE_SHARE = 0.5;
const GZIP_LEVEL = 1;

/** What to make. */
export interface SampleImageOptions {
  /** Uncompressed bytes of each layer. */
  readonly layerBytes?: readonly number[];
  /** Two images of different seeds share no blob. */
  readonly seed?: string;
}

/** A blob with what points to it. */
export interface SampleBlob extends Descriptor {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An image in memory. */
export interface SampleImage {
  readonly index: SampleBlob;
  /** One for each architecture of the index. */
  readonly manifests: readonly SampleBlob[];
  /** Configs, then layers. */
  readonly blobs: readonly SampleBlob[];
  readonly layers: readonly SampleBlob[];
}

/** Makes an image for linux on amd64 and arm64, which differ in their configs only. */
export async function makeSampleImage(options: SampleImageOptions = {}): Promise<SampleImage> {
  const { layerBytes = [8 * MIB, 16 * MIB, 40 * MIB], seed = "sample" } = options;
  const layers: SampleBlob[] = [];
  const diffIds: string[] = [];
  for (const [number, bytes] of layerBytes.entries()) {
    const archive = await makeArchive(`${seed}/${number}`, bytes);
    diffIds.push(digestOf(archive));
    layers.push(blobOf(MEDIA_TYPE.layer, gzipSync(archive, { level: GZIP_LEVEL })));
  }
  return imageOf(seed, layers, diffIds);
}

/**
 * Makes an image that can be pulled and not unpacked, in a small part of the time: its layers are noise of exactly
 * `layerBytes`, and no archives.
 */
export function makeNoiseImage(layerBytes: readonly number[], seed: string): SampleImage {
  const layers = layerBytes.map((bytes, number) => blobOf(MEDIA_TYPE.layer, makeNoise(`${seed}/${number}`, bytes)));
  return imageOf(seed, layers, layers.map(({ digest }) => digest));
}

function imageOf(seed: string, layers: readonly SampleBlob[], diffIds: readonly string[]): SampleImage {
  const configs = ARCHITECTURES.map((architecture) =>
    jsonBlob(MEDIA_TYPE.config, {
      ...{ os: "linux", architecture, created: "1970-01-01T00:00:00Z", config: { Labels: { seed } } },
      rootfs: { type: "layers", diff_ids: diffIds },
    })
  );
  const manifests = configs.map((config) =>
    jsonBlob(MEDIA_TYPE.manifest, {
      ...{ schemaVersion: 2, mediaType: MEDIA_TYPE.manifest, config: descriptorOf(config) },
      layers: layers.map(descriptorOf),
    })
  );
  const index = jsonBlob(MEDIA_TYPE.index, {
    ...{ schemaVersion: 2, mediaType: MEDIA_TYPE.index },
    manifests: manifests.map((manifest, i) => ({
      ...descriptorOf(manifest),
      platform: { os: "linux", architecture: ARCHITECTURES[i] },
    })),
  });
  return { index, manifests, blobs: [...configs, ...layers], layers };
}

/** A tar archive of some files, with `bytes` of content in all. */
async function makeArchive(seed: string, bytes: number): Promise<Uint8Array> {
  const archive = pack();
  const bytesPerFile = Math.ceil(bytes / FILES_PER_LAYER);
  for (let number = 0; number < FILES_PER_LAYER; number += 1) {
    const length = Math.max(0, Math.min(bytesPerFile, bytes - number * bytesPerFile));
    const content = makeContent(`${seed}/${number}`, length);
    archive.entry({ name: `opt/${seed}/${number}.bin`, mode: 0o644, mtime: new Date(0) }, content);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Bytes that only the seed decides: the key stream of a cipher. */
function makeNoise(seed: string, length: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  const noise = cipher.update(Buffer.alloc(length));
  cipher.final();
  return noise;
}

/** Noise, then text. */
function makeContent(seed: string, length: number): Buffer {
  const noiseLength = Math.floor(length * NOISE_SHARE);
  const noise = makeNoise(seed, noiseLength);
  return Buffer.concat([noise, Buffer.alloc(length - noiseLength, `The quick brown damselfly of ${seed}. `)]);
}

function jsonBlob(mediaType: string, content: unknown): SampleBlob {
  return blobOf(mediaType, Buffer.from(JSON.stringify(content)));
}

function blobOf(mediaType: string, buffer: Buffer): SampleBlob {
  // A Buffer's slice() shares memory, unlike that of any other array.
  const bytes = new Uint8Array(buffer);
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
}

function descriptorOf({ mediaType, digest, size }: SampleBlob): Descriptor {
  return { mediaType, digest, size };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
