/**
 * Contents of any size that cost nothing: of each {@link GRAIN_BYTES} only the first {@link SAMPLE_BYTES} are real. Disk
 * and checksums of a simulation look at no others, so that a wrong block is found and a right one is not copied about.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Digest, parseDigest } from "../../core/digest.ts";
import type { Checksums, RunningHash } from "../../peer/storage/checksums.ts";
import type { Disk, DiskFile, FileStat, OpenOptions } from "../../runtime/disk.ts";
import { MemoryDisk } from "../memory_disk.ts";
import { seededRandom } from "../seeded_random.ts";
import { wrappedDisk } from "../../runtime/wrapped_disk.ts";

/** Blocks of contents begin and end at multiples of this, as pieces do, and as peers read them from each other. */
export const GRAIN_BYTES = 256 * 1024;
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
  crc32: (bytes, before) => crc32(samplesOf(bytes), before),
  hash: (algorithm) => new SparseHash(createHash(algorithm)),
};

class SparseHash implements RunningHash {
  readonly #hash: ReturnType<typeof createHash>;

  constructor(hash: ReturnType<typeof createHash>) {
    this.#hash = hash;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(samplesOf(bytes));
  }

  copy(): RunningHash {
    return new SparseHash(this.#hash.copy());
  }

  digest(encoding: "hex"): string {
    return this.#hash.digest(encoding);
  }
}

/** The samples of bytes that begin at a grain, one after the other: a call for each would cost more than its bytes. */
function samplesOf(bytes: Uint8Array): Uint8Array {
  const samples = new Uint8Array(SAMPLE_BYTES * Math.ceil(bytes.length / GRAIN_BYTES));
  let count = 0;
  for (let grain = 0; grain < bytes.length; grain += GRAIN_BYTES) {
    const end = Math.min(bytes.length, grain + SAMPLE_BYTES);
    for (let at = grain; at < end; at++) samples[count++] = bytes[at] as number;
  }
  return samples.subarray(0, count);
}

/** A disk whose files in `contentDir` keep the samples of what is written, and read as if they had all of it. */
export function sparseDisk(contentDir: string): Disk {
  const disk = new MemoryDisk();
  const files = new Map<string, SparseContent>();
  return wrappedDisk(disk, {
    async openFile(path: string, options: OpenOptions = {}): Promise<DiskFile> {
      if (!path.startsWith(`${contentDir}/`)) return await disk.openFile(path, options);
      // The file itself is empty, and stands for its name.
      const { truncateTo, ...others } = options;
      const file = await disk.openFile(path, others);
      const known = truncateTo === undefined ? files.get(path) : undefined;
      const content = known ?? newContent(truncateTo ?? 0);
      files.set(path, content);
      return new SparseFile(file, content);
    },
    async remove(path: string): Promise<void> {
      await disk.remove(path);
      files.delete(path);
    },
  });
}

interface SparseContent {
  readonly length: number;
  readonly samples: Uint8Array;
}

function newContent(length: number): SparseContent {
  return { length, samples: new Uint8Array(SAMPLE_BYTES * Math.ceil(length / GRAIN_BYTES)) };
}

class SparseFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #content: SparseContent;

  constructor(file: DiskFile, content: SparseContent) {
    this.#file = file;
    this.#content = content;
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    const { length, samples } = this.#content;
    const count = Math.max(0, Math.min(buffer.length, length - position));
    for (let grain = Math.ceil(position / GRAIN_BYTES); grain * GRAIN_BYTES < position + count; grain++) {
      const at = grain * GRAIN_BYTES - position;
      for (let index = 0; index < SAMPLE_BYTES && at + index < count; index++) {
        buffer[at + index] = samples[grain * SAMPLE_BYTES + index] as number;
      }
    }
    return Promise.resolve(count);
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    const { samples } = this.#content;
    for (let grain = Math.ceil(position / GRAIN_BYTES); grain * GRAIN_BYTES < position + bytes.length; grain++) {
      const at = grain * GRAIN_BYTES - position;
      for (let index = 0; index < SAMPLE_BYTES && at + index < bytes.length; index++) {
        samples[grain * SAMPLE_BYTES + index] = bytes[at + index] as number;
      }
    }
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async stat(): Promise<FileStat> {
    return { ...await this.#file.stat(), size: this.#content.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
