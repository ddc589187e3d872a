/**
 * Contents of any size that cost nothing: of each {@link GRAIN_BYTES} only the first {@link SAMPLE_BYTES} are real. Disk
 * and checksums of a simulation look at no others, so that a wrong block is found and a right one is not copied about.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Digest, parseDigest } from "../../core/digest.ts";
import type { Checksums, RunningHash } from "../../peer/storage/checksums.ts";
import type { Disk, DiskFile, OpenOptions } from "../../runtime/disk.ts";
import { MemoryDisk } from "../memory_disk.ts";
import { seededRandom } from "../seeded_random.ts";
import { wrappedDisk } from "../wrapped_disk.ts";

/** Blocks of contents begin and end at multiples of this; no rule cuts pieces shorter. */
export const GRAIN_BYTES = 512 * 1024;
const SAMPLE_BYTES = 8;
/** Bytes that are given as one block: a window of the ruler. */
const SEGMENT_BYTES = 4 * 1024 * 1024;

/** Bytes by chance. Each segment of each content is a window of it, so that no content takes memory. */
const RULER = rulerOf(SEGMENT_BYTES + GRAIN_BYTES);
const WINDOWS = GRAIN_BYTES / SAMPLE_BYTES;

function rulerOf(length: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(20_261_121);
  const words = Uint32Array.from({ length: length / 4 }, () => random.below(2 ** 32));
  return new Uint8Array(words.buffer);
}

/** A content, the same for the same seed. */
export class SimContent {
  readonly length: number;
  readonly digest: Digest;
  readonly #seed: number;

  constructor(seed: number, length: number) {
    this.#seed = seed;
    this.length = length;
    const hash = SPARSE_CHECKSUMS.hash("sha256");
    for (let at = 0; at < length;) {
      const block = this.block(at, length);
      hash.update(block);
      at += block.length;
    }
    this.digest = parseDigest(`sha256:${hash.digest("hex")}`);
  }

  /** The bytes from `position` on, as far as they are one block, and not beyond `end`. */
  block(position: number, end: number): Uint8Array<ArrayBuffer> {
    const segment = Math.floor(position / SEGMENT_BYTES);
    const window = SAMPLE_BYTES * (mixed(this.#seed, segment) % WINDOWS);
    const from = position - segment * SEGMENT_BYTES;
    return RULER.subarray(window + from, window + Math.min(SEGMENT_BYTES, end - segment * SEGMENT_BYTES));
  }

  /** Whether bytes that somebody got are those at `position`, as far as can be seen. */
  isAt(position: number, bytes: Uint8Array): boolean {
    const first = Math.ceil(position / GRAIN_BYTES) * GRAIN_BYTES;
    for (let at = first; at < position + bytes.length; at += GRAIN_BYTES) {
      const right = this.block(at, Math.min(this.length, at + SAMPLE_BYTES));
      const length = Math.min(right.length, position + bytes.length - at);
      for (let index = 0; index < length; index++) if (right[index] !== bytes[at - position + index]) return false;
    }
    return true;
  }
}

function mixed(a: number, b: number): number {
  let value = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}

/** Those of the samples of bytes that begin at a grain. */
export const SPARSE_CHECKSUMS: Checksums = {
  crc32(bytes, before) {
    let checksum = before;
    for (let at = 0; at < bytes.length; at += GRAIN_BYTES) checksum = crc32(sampleOf(bytes, at), checksum);
    return checksum;
  },
  hash: (algorithm) => new SparseHash(createHash(algorithm)),
};

class SparseHash implements RunningHash {
  readonly #hash: ReturnType<typeof createHash>;

  constructor(hash: ReturnType<typeof createHash>) {
    this.#hash = hash;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += GRAIN_BYTES) this.#hash.update(sampleOf(bytes, at));
  }

  copy(): RunningHash {
    return new SparseHash(this.#hash.copy());
  }

  digest(encoding: "hex"): string {
    return this.#hash.digest(encoding);
  }
}

function sampleOf(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at, Math.min(bytes.length, at + SAMPLE_BYTES));
}

/** A disk whose files in `contentDir` keep the samples of what is written, and read as if they had all of it. */
export function sparseDisk(contentDir: string): Disk {
  const disk = new MemoryDisk();
  const lengths = new Map<string, number>();
  const isContent = (path: string) => path.startsWith(`${contentDir}/`);
  return wrappedDisk(disk, {
    async openFile(path: string, options: OpenOptions = {}): Promise<DiskFile> {
      if (!isContent(path)) return await disk.openFile(path, options);
      const { truncateTo } = options;
      if (truncateTo !== undefined) lengths.set(path, truncateTo);
      const length = lengths.get(path) ?? 0;
      const stored = truncateTo === undefined ? {} : { truncateTo: SAMPLE_BYTES * Math.ceil(length / GRAIN_BYTES) };
      return sparseFile(await disk.openFile(path, { ...options, ...stored }), length);
    },
  });
}

function sparseFile(file: DiskFile, fileLength: number): DiskFile {
  const eachSample = async (bytes: Uint8Array, position: number, length: number, use: SampleUse) => {
    const first = Math.ceil(position / GRAIN_BYTES) * GRAIN_BYTES;
    for (let at = first; at < position + length; at += GRAIN_BYTES) {
      const sample = bytes.subarray(at - position, Math.min(length, at - position + SAMPLE_BYTES));
      await use(sample, SAMPLE_BYTES * (at / GRAIN_BYTES));
    }
  };
  return {
    async read(buffer, position) {
      const length = Math.max(0, Math.min(buffer.length, fileLength - position));
      await eachSample(buffer, position, length, (sample, at) => file.read(sample, at));
      return length;
    },
    write: (bytes, position) => eachSample(bytes, position, bytes.length, (sample, at) => file.write(sample, at)),
    sync: () => file.sync(),
    stat: async () => ({ ...await file.stat(), size: fileLength }),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

type SampleUse = (sample: Uint8Array, at: number) => Promise<unknown>;
