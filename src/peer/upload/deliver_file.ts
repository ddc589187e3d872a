import { basename, dirname, isAbsolute, join } from "node:path";
import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Random } from "../../runtime/random.ts";
import type { StoredTask } from "../storage/storage.ts";

const COPY_BYTES = 512 * 1024;

/** Where a content is wanted, and under which conditions (wire.md §1.2, §6.1). */
export interface Output {
  readonly path: string;
  /** What is there may be replaced. */
  readonly overwrite: boolean;
  /** A copy will not do. */
  readonly forceHardLink: boolean;
}

/** What delivery acts on. */
export interface DeliveryDeps {
  readonly disk: Disk;
  readonly random: Random;
}

/**
 * The place of a content that is not there yet. From the beginning of the download on an empty file is there: who asked
 * removes the output when the download fails, and stock dfget tells why only if it finds one to remove.
 */
class OutputPlace {
  readonly #path: string;
  readonly #disk: Disk;
  #isOurs = false;

  constructor({ path }: Output, { disk }: DeliveryDeps) {
    this.#path = path;
    this.#disk = disk;
  }

  /** Puts an empty file there, unless something is. */
  async take(): Promise<void> {
    if (await this.#disk.stat(this.#path) !== undefined) return;
    await using _empty = await this.#disk.openFile(this.#path, { create: true });
    this.#isOurs = true;
  }

  /** Removes the empty file, if it still is: who asked has gone and will not do it. */
  async leave(): Promise<void> {
    if (this.#isOurs && (await this.#disk.stat(this.#path))?.size === 0) await this.#disk.remove(this.#path);
  }
}

/** Passes on the messages of a download whose content shall be at `output`, and keeps the place from the first one on. */
export async function* keepingPlace<M>(
  messages: AsyncIterable<M>,
  output: Output,
  deps: DeliveryDeps,
  signal: AbortSignal,
): AsyncGenerator<M, void, undefined> {
  const place = new OutputPlace(output, deps);
  let isTaken = false;
  try {
    for await (const message of messages) {
      if (!isTaken) await place.take();
      isTaken = true;
      yield message;
    }
  } finally {
    if (signal.aborted) await place.leave();
  }
}

/** Finds out before a download what would make its delivery fail. Throws `invalid_argument` or `already_exists`. */
export async function checkOutput({ path, overwrite }: Output, { disk }: DeliveryDeps): Promise<void> {
  if (!isAbsolute(path)) {
    throw new DamselflyError("invalid_argument", `Cannot write to ${path}: the path is not absolute`);
  }
  const stat = await disk.stat(path);
  if (stat?.isDirectory === true) {
    throw new DamselflyError("invalid_argument", `Cannot write to ${path}: it is a directory`);
  }
  if (stat !== undefined && !overwrite) {
    throw new DamselflyError("already_exists", `Cannot write to ${path}: it exists; remove it or ask to overwrite it`);
  }
  if ((await disk.stat(dirname(path)))?.isDirectory !== true) {
    throw new DamselflyError("not_found", `Cannot write to ${path}: its directory does not exist`);
  }
}

/**
 * Puts `range` of a content at a path: as a copy, so that whoever edits the file changes nothing of what others get, or
 * as a hard link when one is asked for. The path never shows a part of it.
 */
export async function deliverFile(
  task: StoredTask,
  range: ByteRange,
  output: Output,
  { disk, random }: DeliveryDeps,
  signal: AbortSignal,
): Promise<void> {
  const { path, overwrite, forceHardLink } = output;
  const temporary = join(dirname(path), `.${basename(path)}.${random.uuid().slice(0, 8)}.tmp`);
  try {
    const isWhole = range.end - range.start === task.record.plan.contentLength;
    if (forceHardLink) await link(task, isWhole, path, temporary);
    else if (!isWhole || !await tryCopy(task, temporary)) await copyRange(task, range, temporary, disk, signal);
    signal.throwIfAborted();
    await moveTo(path, temporary, overwrite, disk);
  } finally {
    // Still there after a failure, after a link, and after a rename onto the same file.
    await disk.remove(temporary);
  }
}

/** Gives the file its final name. The empty file of {@link OutputPlace} makes way, a file that came meanwhile does not. */
async function moveTo(path: string, temporary: string, overwrite: boolean, disk: Disk): Promise<void> {
  const size = (await disk.stat(path))?.size ?? 0;
  if (size > 0 && !overwrite) {
    throw new DamselflyError("already_exists", `Cannot write to ${path}: a file came there during the download`);
  }
  await disk.rename(temporary, path);
}

async function link(task: StoredTask, isWhole: boolean, path: string, temporary: string): Promise<void> {
  try {
    if (!isWhole) throw new DamselflyError("invalid_argument", "Only a range is wanted");
    await task.link(temporary);
  } catch (cause) {
    const why = errorText(cause);
    throw new DamselflyError("failed_precondition", `Cannot make ${path} a hard link: ${why}`, { cause });
  }
}

/** Whether the system could copy the whole file; where it cannot, a task that was deleted meanwhile is still readable. */
async function tryCopy(task: StoredTask, path: string): Promise<boolean> {
  return await task.copy(path).then(() => true, () => false);
}

async function copyRange(task: StoredTask, { start, end }: ByteRange, path: string, disk: Disk, signal: AbortSignal) {
  await using file = await disk.openFile(path, { create: true, truncateTo: end - start });
  const buffer = new Uint8Array(COPY_BYTES);
  for (let position = start; position < end;) {
    signal.throwIfAborted();
    const block = buffer.subarray(0, Math.min(COPY_BYTES, end - position));
    await task.read(block, position);
    await file.write(block, position - start);
    position += block.length;
  }
}
