import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { parseDigest } from "../core/digest.ts";
import { DamselflyError } from "../core/error.ts";
import type { Piece, Range } from "../rpc/gen/common/v2/common.ts";
import type { Disk, DiskFile } from "../runtime/disk.ts";
import type { Runtime } from "../runtime/runtime.ts";

const READ_BYTES = 1024 * 1024;

/** Finds out before a download whether its output can be written. Throws `failed_precondition`, `already_exists`. */
export async function checkOutput(output: string, { overwrite }: { readonly overwrite?: boolean }, disk: Disk) {
  const parent = await disk.stat(dirname(output));
  if (parent?.isDirectory !== true) {
    throw new DamselflyError("failed_precondition", `Cannot write ${output}: its directory does not exist`);
  }
  const existing = await disk.stat(output);
  if (existing === undefined) return;
  const why = existing.isDirectory ? "it is a directory" : "it exists, and --overwrite was not given";
  if (existing.isDirectory || overwrite !== true) {
    throw new DamselflyError("already_exists", `Cannot write ${output}: ${why}`);
  }
}

/** Checks a file against a digest that dfdaemon may not know of. Throws `data_loss`. */
export async function checkDigest(path: string, text: string | undefined, disk: Disk): Promise<void> {
  if (text === undefined) return;
  const { algorithm, hex } = parseDigest(text);
  const hash = createHash(algorithm);
  const buffer = new Uint8Array(READ_BYTES);
  await using file = await disk.openFile(path);
  for (let position = 0;;) {
    const length = await file.read(buffer, position);
    if (length === 0) break;
    hash.update(buffer.subarray(0, length));
    position += length;
  }
  const actual = hash.digest("hex");
  if (actual === hex) return;
  throw new DamselflyError("data_loss", `The content has digest ${algorithm}:${actual}, not ${text}`);
}

/**
 * Writes what is wanted of a piece that dfdaemon sent along: `range` of the content, or all. Throws `internal` when its
 * bytes are missing.
 */
export async function writePiece(piece: Piece | undefined, file: DiskFile, range?: Range): Promise<void> {
  if (piece?.content === undefined || piece.content.length !== piece.length) {
    throw new DamselflyError("internal", "Cannot write the file: dfdaemon sent a piece without its bytes");
  }
  const { content, offset } = piece;
  const { start, length } = range ?? { start: 0, length: Infinity };
  const wanted = content.subarray(Math.max(0, start - offset), Math.max(0, start + length - offset));
  if (wanted.length > 0) await file.write(wanted, Math.max(offset, start) - start);
}

/** A file next to the output that becomes it when it is whole; disposing it removes what is left of it. */
export class PartialFile implements AsyncDisposable {
  readonly #output: string;
  readonly #disk: Runtime["disk"];
  readonly #mark: string | undefined;
  #path: string;
  #file: DiskFile | undefined;
  #lock: Disposable | undefined;
  #isLeft = false;

  /**
   * With a `mark`, what an earlier run with the same one has left is there when it is opened, unless another run that goes
   * on has taken it.
   */
  constructor(output: string, { disk, random }: Pick<Runtime, "disk" | "random">, mark?: string) {
    this.#output = output;
    this.#disk = disk;
    this.#mark = mark;
    this.#path = pathOf(output, random.uuid().slice(0, 8));
  }

  get path(): string {
    return this.#path;
  }

  async open(): Promise<DiskFile> {
    if (this.#mark !== undefined) {
      const marked = pathOf(this.#output, this.#mark);
      // Where nothing can be locked nobody knows whose it is, and whoever may not write there learns so below.
      this.#lock = await this.#disk.lock(marked).catch(() => undefined);
      if (this.#lock !== undefined) this.#path = marked;
    }
    return this.#file = await this.#disk.openFile(this.#path, { create: true });
  }

  async keep(): Promise<void> {
    await this.#file?.sync();
    await this.#disk.rename(this.#path, this.#output);
  }

  /**
   * What is there stays for a later run with the same mark; false when this one had none, when another run has it, and
   * when the disk does not take what is there.
   */
  async leave(): Promise<boolean> {
    if (this.#lock === undefined) return false;
    try {
      // A later run goes by the length, which may be on the disk before the bytes are.
      await this.#file?.sync();
      return this.#isLeft = true;
    } catch {
      return false; // why there is something to be left is what matters
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]();
    if (!this.#isLeft) await this.#disk.remove(this.#path);
    this.#lock?.[Symbol.dispose]();
  }
}

function pathOf(output: string, mark: string): string {
  return join(dirname(output), `.${basename(output)}.${mark}.part`);
}
