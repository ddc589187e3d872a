import { pieceDigest } from "../../core/digest.ts";
import { DamselflyError, errorText, isCancelled } from "../../core/error.ts";
import { invariant } from "../../core/invariant.ts";
import { pieceRange, piecesOf } from "../../core/piece.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import { Changes, type Follower } from "./changes.ts";
import type { Checksums } from "./checksums.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { ContentFile } from "./content_file.ts";
import { EarlierPieces } from "./earlier_pieces.ts";
import { FileWatch } from "./file_watch.ts";
import type { TaskMetadata, TaskRow } from "./metadata.ts";
import { ComingBytes, TaskPieceWriter } from "./piece_writer.ts";
import { Holders } from "./holders.ts";
import { PrefixHash } from "./prefix_hash.ts";
import type { Scratch } from "./scratch.ts";
import type { ComingPiece, PieceRecord, PieceWriter, Retention, StoredTask, TaskCut, TaskRecord } from "./storage.ts";

/** The last use of a task is written to disk at most so often; eviction needs no finer order. */
const TOUCH_INTERVAL_MS = 60_000;

/** Whoever creates a task holds it at once; one that nobody has held by then is nobody's. */
const NEW_MS = 10_000;

/** Ids of a task besides its own: one blob is in some repositories of some registries. */
const OTHER_IDS_MAX = 64;

/** What a task needs of the storage it is in. */
export interface TaskOwner {
  readonly metadata: TaskMetadata;
  readonly clock: Clock;
  readonly log: Log;
  readonly checksums: Checksums;
  readonly scratch: Scratch;
  /** Deletes the task from records, index and disk, unless it has been already. */
  drop(task: ContentTask): Promise<void>;
  /** Keeps the storage from closing before `work` is done; it must not reject. */
  background(work: Promise<void>): void;
}

/** One task in the content store. */
export class ContentTask implements StoredTask {
  readonly key: number;
  readonly holders = new Holders();
  readonly #owner: TaskOwner;
  readonly #file: ContentFile;
  readonly #hash: PrefixHash | undefined;
  readonly #changes = new Changes();
  /** Rings with the changes, and when bytes of a coming piece have come. */
  readonly #bytes = new Changes();
  /** Pieces that are being written, with those that can be read meanwhile. */
  readonly #writing = new Map<number, ComingBytes | undefined>();
  /** Where bytes may not be what was written: the pieces that were compared with their records since. */
  #checked: Set<number> | undefined;
  readonly #watch: FileWatch;
  /** Finished pieces; undefined when the task is sealed, for then it is all of them, and their records are on disk. */
  #pieces: Map<number, PieceRecord> | undefined;
  /** Numbers of the pieces, as they were finished; nobody needs it once the task is sealed. */
  #finishOrder: number[] = [];
  /** What an earlier run finished and is not compared yet; its bytes count as finished ones meanwhile. */
  #earlier: EarlierPieces | undefined;
  #record: TaskRecord;
  #finishedBytes: number;
  #holds = 0;
  #wasHeld = false;
  #touchedAtMs: number;
  #sealing: Promise<void> | undefined;
  #isDeleted = false;
  #isDamaged = false;
  #isAbandoned = false;

  constructor({ key, record, finishedPieceCount }: TaskRow, file: ContentFile, owner: TaskOwner) {
    this.key = key;
    this.#record = record;
    this.#touchedAtMs = record.updatedAtMs;
    this.#file = file;
    this.#owner = owner;
    this.#pieces = record.isSealed ? undefined : new Map();
    this.#checked = record.isSealed ? new Set() : undefined;
    this.#watch = new FileWatch({
      nowMs: () => owner.clock.wallMs(),
      stat: () => this.#useFile((file) => file.stat()),
      onChange: () => this.#checked = new Set(),
    }, record.isSealed ? undefined : false);
    this.#finishedBytes = Math.min(record.plan.contentLength, finishedPieceCount * record.plan.pieceLength);
    this.#hash = record.digest === undefined || record.isSealed ? undefined : new PrefixHash(
      {
        plan: () => this.#record.plan,
        isFinished: (piece) => !this.#isDeleted && this.#isFinished(piece),
        read: (buffer, position) => this.#readWhole(buffer, position),
        scratch: owner.scratch,
      },
      record.digest,
      owner.checksums,
    );
  }

  get record(): TaskRecord {
    return this.#record;
  }

  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Somebody reads or writes it, so that it must stay. */
  get isBusy(): boolean {
    return this.#holds > 0 || this.#writing.size > 0;
  }

  /** Nobody holds it yet, for it was created a moment ago: its space is promised all the same. */
  get isNew(): boolean {
    return !this.#wasHeld && this.#owner.clock.wallMs() - this.#record.createdAtMs < NEW_MS;
  }

  get finishedBytes(): number {
    return this.#finishedBytes;
  }

  get finishedPieceCount(): number {
    return this.#pieces?.size ?? this.#record.plan.pieceCount;
  }

  get recordedPieceCount(): number {
    return this.finishedPieceCount + (this.#earlier?.size ?? 0);
  }

  isRecorded(number: number): boolean {
    return this.#isFinished(number) || this.#earlier?.has(number) === true;
  }

  hold(): Disposable {
    const file = this.#file.hold();
    this.#holds += 1;
    this.#wasHeld = true;
    this.touch();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#holds -= 1;
        isHeld = false;
        file[Symbol.dispose]();
      },
    };
  }

  /** Notes that the task is of use. */
  touch(): void {
    const nowMs = this.#owner.clock.wallMs();
    this.#record = { ...this.#record, updatedAtMs: nowMs };
    if (this.#isDeleted || nowMs - this.#touchedAtMs < TOUCH_INTERVAL_MS) return;
    this.#touchedAtMs = nowMs;
    try {
      this.#owner.metadata.touch(this.key, nowMs);
    } catch (error) {
      // Only the order of eviction after a restart suffers: no reason to fail a reader.
      this.#owner.log.warn("The last use of a task could not be stored", { error: errorText(error) });
    }
  }

  piece(number: number): PieceRecord | undefined {
    if (this.#pieces !== undefined) return this.#pieces.get(number);
    return this.#isDeleted ? undefined : this.#owner.metadata.piece(this.key, number);
  }

  finishedPieces(): number[] {
    if (this.#pieces !== undefined) return [...this.#pieces.keys()].sort((a, b) => a - b);
    return Array.from({ length: this.#record.plan.pieceCount }, (_, number) => number);
  }

  finishedAfter(count: number): number[] {
    return this.#finishOrder.slice(count);
  }

  recut({ plan, isOwnCut = false }: TaskCut): void {
    this.#requirePresent("cut");
    const { taskId, plan: before, isSealed } = this.#record;
    invariant(plan.contentLength === before.contentLength, `task ${taskId} gets another length`);
    if (isSealed || this.recordedPieceCount > 0 || this.#writing.size > 0) {
      throw new DamselflyError("failed_precondition", `Cannot cut task ${taskId} otherwise: it has pieces`);
    }
    this.#owner.metadata.recut(this.key, plan.pieceLength, isOwnCut);
    this.#record = { ...this.#record, plan, isOwnCut };
    this.#changed();
  }

  openPiece(number: number, { isReadable } = { isReadable: false }): PieceWriter | undefined {
    const range = pieceRange(this.#record.plan, number);
    if (this.isRecorded(number) || this.#writing.has(number)) return undefined;
    this.#requirePresent("write");
    const coming = isReadable ? new ComingBytes(number, range.start, () => this.#bytes.ring()) : undefined;
    this.#writing.set(number, coming);
    const passingHash = this.#hash?.startPassing(number);
    return new TaskPieceWriter({
      number,
      range,
      hold: () => this.#file.hold(),
      store: (bytes, position) => this.#useFile((file) => file.write(bytes, position)),
      checksums: this.#owner.checksums,
      passingHash,
      coming,
      finish: (piece) => {
        const record = this.#finish(piece, range.end - range.start);
        passingHash?.adopt();
        return record;
      },
      release: () => {
        this.#writing.delete(number);
        this.#changed();
        this.#catchUp();
      },
    });
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const { plan, taskId } = this.#record;
    if (this.#isDeleted && this.#holds === 0) this.#requirePresent("read");
    const end = Math.min(plan.contentLength, position + buffer.length);
    const missing = piecesOf(plan, { start: position, end }).find((number) => !this.#isFinished(number));
    if (missing !== undefined) {
      throw new DamselflyError("failed_precondition", `Cannot read task ${taskId}: piece ${missing} is not there yet`);
    }
    if (end <= position) return 0;
    return await this.#watch.steady(async () => {
      for (const number of piecesOf(plan, { start: position, end })) await this.#check(number);
      return await this.#readWhole(buffer.subarray(0, end - position), position);
    });
  }

  async link(path: string): Promise<void> {
    this.#requirePresent("link");
    for (const number of this.finishedPieces()) await this.#check(number);
    this.#watch.shared();
    await this.#file.link(path);
  }

  async copy(path: string): Promise<void> {
    this.#requirePresent("copy");
    await this.#watch.steady(async () => {
      for (const number of this.finishedPieces()) await this.#check(number);
      await this.#file.copy(path);
    });
  }

  seal(signal: AbortSignal): Promise<void> {
    if (this.#record.isSealed) return Promise.resolve();
    this.#sealing ??= this.#seal().finally(() => this.#sealing = undefined);
    return orAbort(this.#sealing, signal);
  }

  coming(number: number): ComingPiece | undefined {
    return this.#writing.get(number);
  }

  async readComing({ end }: ComingPiece, buffer: Uint8Array, position: number): Promise<number> {
    return await this.#readWhole(buffer.subarray(0, Math.min(buffer.length, end - position)), position);
  }

  nextChange(signal: AbortSignal): Promise<void> {
    return this.#isDeleted ? Promise.resolve() : this.#changes.next(signal);
  }

  nextBytes(signal: AbortSignal, wanted: number): Promise<void> {
    this.#earlier?.want(wanted);
    return this.#isDeleted ? Promise.resolve() : this.#bytes.next(signal);
  }

  changes(signal: AbortSignal): Follower {
    const follower = this.#changes.follow(signal);
    return {
      next: () => this.#isDeleted ? Promise.resolve() : follower.next(),
      [Symbol.dispose]: () => follower[Symbol.dispose](),
    };
  }

  async checked(signal: AbortSignal): Promise<void> {
    if (this.#earlier === undefined || this.#earlier.size === 0) return;
    this.#requirePresent("check");
    try {
      await orAbort(this.#earlier.check(), signal);
    } catch (error) {
      // Nobody has cancelled anything: whoever waits is told what became of the task.
      if (!signal.aborted) this.#requirePresent("check");
      throw error;
    }
  }

  expectNothing(error: unknown): void {
    this.#failed(error);
  }

  /** Takes note of another id; the result is the one that made way for it. */
  addId(taskId: string): string | undefined {
    this.#owner.metadata.addId(this.key, taskId);
    const ids = [...this.#record.otherIds, taskId];
    const oldest = ids.length > OTHER_IDS_MAX ? ids.shift() : undefined;
    if (oldest !== undefined) this.#owner.metadata.removeId(oldest);
    this.#record = { ...this.#record, otherIds: ids };
    return oldest;
  }

  retain(retention: Retention): void {
    this.#requirePresent("keep");
    this.#owner.metadata.retain(this.key, retention);
    this.#record = { ...this.#record, retention };
  }

  /** Takes up what an earlier run finished; each piece counts once its bytes are found to agree with its record. */
  restore(): void {
    const lengthOf = (number: number) => {
      const { start, end } = pieceRange(this.#record.plan, number);
      return end - start;
    };
    const pieces = this.#owner.metadata.pieces(this.key);
    this.#finishedBytes = pieces.reduce((sum, { number }) => sum + lengthOf(number), 0);
    this.#earlier = new EarlierPieces(pieces, {
      isAsRecorded: (piece) => this.#isAsRecorded(piece),
      onRight: (piece) => {
        this.#add(piece, 0);
        this.#changed();
        this.#catchUp();
      },
      onWrong: ({ number }) => {
        this.#finishedBytes -= lengthOf(number);
        this.#forgetPiece(number);
        this.#changed();
      },
    });
  }

  /** Goes on to compare the pieces of an earlier run, behind the caller's back. */
  checkEarlier(): void {
    if (this.#earlier === undefined || this.#earlier.size === 0) return;
    this.#owner.background(
      this.#earlier.check().catch((error) => {
        if (this.#isDeleted || isCancelled(error)) return;
        this.#owner.log.warn("The pieces of an earlier run could not be checked", { error: errorText(error) });
        this.#failed(error);
      }),
    );
  }

  /** The storage ends: what is not compared yet is left to the next run. */
  stopChecking(): void {
    this.#earlier?.stop();
  }

  /** Closes the file, at the end of the storage. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Gives up the records and the name on disk; who holds the task can still read what is finished. */
  async remove(): Promise<void> {
    this.#isDeleted = true;
    this.stopChecking();
    this.#changed();
    this.#owner.metadata.removeTask(this.key);
    await this.#file.unlink();
  }

  /** The records are lost with all others: gives up the name on disk; who holds the task can still read what is finished. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    this.#isDeleted = true;
    this.stopChecking();
    this.#changed();
    await this.#file.unlink();
  }

  #changed(): void {
    this.#changes.ring();
    this.#bytes.ring();
  }

  /** Tells those who wait that nothing changes any more. */
  #failed(error: unknown): void {
    this.#changes.fail(error);
    this.#bytes.fail(error);
  }

  #isFinished(number: number): boolean {
    return this.#pieces?.has(number) ?? true;
  }

  #add(piece: PieceRecord, length: number): void {
    this.#pieces?.set(piece.number, piece);
    this.#finishOrder.push(piece.number);
    this.#finishedBytes += length;
  }

  #finish(piece: Omit<PieceRecord, "finishedAtMs">, length: number): PieceRecord {
    this.#requirePresent("write");
    const record = { ...piece, finishedAtMs: this.#owner.clock.wallMs() };
    this.#owner.metadata.addPiece(this.key, record);
    this.#add(record, length);
    this.touch();
    return record;
  }

  /** Hashes what has become contiguous. What goes wrong here goes wrong again in {@link seal}, where somebody listens. */
  #catchUp(): void {
    if (this.#hash !== undefined && !this.#isDeleted) {
      this.#owner.background(this.#hash.catchUp().catch(() => undefined));
    }
  }

  /** A record that cannot be removed is overwritten by the next one of its piece, or found wrong again. */
  #forgetPiece(number: number): void {
    if (this.#isDeleted) return;
    try {
      this.#owner.metadata.removePieces(this.key, [number]);
    } catch (error) {
      const { taskId } = this.#record;
      this.#owner.log.warn("The record of a wrong piece stays", { taskId, number, error: errorText(error) });
    }
  }

  #isAsRecorded({ number, digest }: PieceRecord): Promise<boolean> {
    const { start, end } = pieceRange(this.#record.plan, number);
    return this.#owner.scratch.lend(async (buffer) => {
      let checksum = 0;
      for (let position = start; position < end;) {
        const block = buffer.subarray(0, Math.min(buffer.length, end - position));
        position += await this.#readWhole(block, position);
        checksum = this.#owner.checksums.crc32(block, checksum);
      }
      return pieceDigest(checksum) === digest;
    });
  }

  /**
   * Disks forget, and files get changed: before bytes of an earlier run are given to anybody, their piece is compared
   * with its record once. Throws `internal`: it is our own fault, and the source has the right ones.
   */
  async #check(number: number): Promise<void> {
    if (this.#isDamaged) throw this.#damage();
    const piece = this.#checked === undefined || this.#checked.has(number) ? undefined : this.piece(number);
    if (piece === undefined) return;
    if (!await this.#isAsRecorded(piece)) throw this.#damage();
    this.#checked?.add(number);
  }

  /** A task whose file somebody changed, removed or cut is worth nothing: it is dropped, so that the next request starts anew. */
  #damage(cause?: unknown): DamselflyError {
    const { taskId } = this.#record;
    if (!this.#isDamaged && !this.#isDeleted) {
      this.#owner.log.warn("A task was dropped, for its content file is damaged", { taskId });
      this.#owner.background(this.#drop()); // not awaited: it waits for its turn, which may be the caller's own
    }
    this.#isDamaged = true;
    return new DamselflyError("internal", `Cannot use task ${taskId}: its content file is damaged`, { cause });
  }

  async #readWhole(buffer: Uint8Array, position: number): Promise<number> {
    return await this.#useFile(async (file) => {
      let done = 0;
      while (done < buffer.length) {
        const count = await file.read(done === 0 ? buffer : buffer.subarray(done), position + done);
        if (count === 0) throw new DamselflyError("not_found", "The file ends before its content");
        done += count;
      }
      return done;
    });
  }

  async #useFile<T>(run: (file: DiskFile) => Promise<T>): Promise<T> {
    try {
      return await this.#file.use(run);
    } catch (cause) {
      if (this.#isDeleted || !(cause instanceof DamselflyError) || cause.code !== "not_found") throw cause;
      throw this.#damage(cause);
    }
  }

  async #seal(): Promise<void> {
    const { plan, taskId, digest } = this.#record;
    this.#requirePresent("finish");
    if (this.finishedPieceCount < plan.pieceCount) {
      const missing = plan.pieceCount - this.finishedPieceCount;
      throw new DamselflyError("failed_precondition", `Cannot finish task ${taskId}: ${missing} pieces are missing`);
    }
    using _held = this.hold();
    const hash = this.#hash;
    while (hash !== undefined && hash.hashedPieceCount < plan.pieceCount) {
      this.#requirePresent("finish");
      await hash.catchUp();
    }
    this.#requirePresent("finish");
    if (hash !== undefined && !hash.isAsExpected()) {
      const details = [...this.#pieces?.values() ?? []];
      await this.#owner.drop(this);
      throw new DamselflyError("data_loss", `Cannot finish task ${taskId}: its content is not ${digest?.text}`, {
        details,
      });
    }
    this.#owner.metadata.flush(); // a sealed task has its records there
    const finishedAtMs = this.#owner.clock.wallMs();
    this.#record = { ...this.#record, isSealed: true, finishedAtMs, updatedAtMs: finishedAtMs };
    this.#pieces = undefined;
    this.#finishOrder = [];
    this.#changed();
    this.#owner.background(this.#settle(finishedAtMs));
  }

  async #drop(): Promise<void> {
    try {
      await this.#owner.drop(this);
    } catch (error) {
      this.#owner.log.error("A task could not be deleted", { taskId: this.#record.taskId, error: errorText(error) });
    }
  }

  /** Makes the seal outlive a crash of the machine: first the bytes, then the record that vouches for them. */
  async #settle(finishedAtMs: number): Promise<void> {
    try {
      await this.#useFile((file) => file.sync());
      if (!this.#isDeleted) this.#owner.metadata.seal(this.key, finishedAtMs);
    } catch (error) {
      const { taskId } = this.#record;
      this.#owner.log.error("A task could not be brought to stable storage", { taskId, error: errorText(error) });
    }
  }

  #requirePresent(action: string): void {
    if (!this.#isDeleted) return;
    const [code, why] = this.#isAbandoned
      ? ["internal", "its records are lost"] as const
      : ["not_found", "it is deleted"] as const;
    throw new DamselflyError(code, `Cannot ${action} task ${this.#record.taskId}: ${why}`);
  }
}
