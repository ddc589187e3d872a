import { DatabaseSync, type StatementSync } from "node:sqlite";
import { tryParseDigest } from "../../core/digest.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { PieceRecord, Retention, TaskInit, TaskRecord, TrafficType } from "./storage.ts";
import { type PieceRow, WaitingRows } from "./waiting_rows.ts";

/** The steps from an empty database to today's; a step that was released never changes. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE task (
     key INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     url TEXT NOT NULL,
     content_length INTEGER NOT NULL,
     piece_length INTEGER NOT NULL,
     digest TEXT,
     response_headers TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     updated_at_ms INTEGER NOT NULL,
     finished_at_ms INTEGER
   ) STRICT;
   CREATE TABLE piece (
     task_key INTEGER NOT NULL REFERENCES task (key) ON DELETE CASCADE,
     number INTEGER NOT NULL,
     digest TEXT NOT NULL,
     parent_id TEXT NOT NULL,
     traffic_type TEXT NOT NULL,
     cost_ms INTEGER NOT NULL,
     finished_at_ms INTEGER NOT NULL,
     PRIMARY KEY (task_key, number)
   ) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE task ADD COLUMN is_own_cut INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE other_id (
     id TEXT PRIMARY KEY,
     task_key INTEGER NOT NULL REFERENCES task (key) ON DELETE CASCADE
   ) STRICT;
   CREATE INDEX other_id_of_task ON other_id (task_key);`,
  `ALTER TABLE task ADD COLUMN retention TEXT;`,
  `ALTER TABLE task ADD COLUMN id_parts TEXT;`,
];

/** A task's row: what the storage remembers, and the key its pieces refer to. */
export interface TaskRow {
  readonly key: number;
  readonly record: TaskRecord;
  readonly finishedPieceCount: number;
}

/** What a storage asks of its metadata. */
export type TaskMetadata = Pick<Metadata, keyof Metadata>;

/**
 * What is known of tasks and pieces, in SQLite. Calls are synchronous: one that reads costs some microseconds, one that
 * writes some tens of them. Records of pieces are written a little later, together.
 */
export class Metadata implements Disposable {
  readonly #db: DatabaseSync;
  readonly #onDamage: (error: DamselflyError) => void;
  readonly #insertTask: StatementSync;
  readonly #insertPiece: StatementSync;
  readonly #selectPiece: StatementSync;
  readonly #selectPieces: StatementSync;
  readonly #deleteTask: StatementSync;
  readonly #sealTask: StatementSync;
  readonly #touchTask: StatementSync;
  readonly #recutTask: StatementSync;
  readonly #waiting: WaitingRows;

  /**
   * Opens the database at `path`; `:memory:` is one that nobody else sees. Throws `failed_precondition` when another
   * process has it open, `data_loss` when it is damaged or of a later version, `permission_denied` and the like.
   *
   * `onDamage` is called when a later call finds it damaged. That call throws `internal`: it is a fault of this host, and
   * says nothing of any content.
   */
  constructor(path: string, clock: Pick<Clock, "sleep">, onDamage: (error: DamselflyError) => void) {
    this.#onDamage = onDamage;
    this.#waiting = new WaitingRows(clock, (rows) => this.#addPieces(rows));
    const db = guarded("open", path, () => new DatabaseSync(path));
    try {
      guarded("open", path, () => prepareDatabase(db, MIGRATIONS));
      this.#db = db;
      this.#insertTask = db.prepare(
        `INSERT INTO task (id, url, id_parts, content_length, piece_length, is_own_cut, digest, response_headers, retention,
           created_at_ms, updated_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      );
      this.#insertPiece = db.prepare("INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?, ?, ?)");
      this.#selectPiece = db.prepare("SELECT * FROM piece WHERE task_key = ? AND number = ?");
      this.#selectPieces = db.prepare("SELECT * FROM piece WHERE task_key = ? ORDER BY number");
      this.#deleteTask = db.prepare("DELETE FROM task WHERE key = ?");
      this.#sealTask = db.prepare("UPDATE task SET finished_at_ms = ? WHERE key = ?");
      this.#touchTask = db.prepare("UPDATE task SET updated_at_ms = ? WHERE key = ?");
      this.#recutTask = db.prepare("UPDATE task SET piece_length = ?, is_own_cut = ? WHERE key = ?");
    } catch (error) {
      db.close();
      throw error;
    }
  }

  tasks(): TaskRow[] {
    this.#waiting.flush();
    const select = `SELECT task.*, COUNT(piece.number) AS finished_piece_count,
        (SELECT json_group_array(id) FROM (SELECT id FROM other_id WHERE task_key = task.key ORDER BY rowid)) AS other_ids
      FROM task LEFT JOIN piece ON piece.task_key = task.key GROUP BY task.key`;
    return this.#guarded("read", "tasks", () => this.#db.prepare(select).all().map(taskRow));
  }

  /** Adds a task without pieces; the result is its key. */
  addTask(init: TaskInit, nowMs: number): number {
    const { taskId, url, idParts = null, plan: { contentLength, pieceLength }, isOwnCut = false, digest, retention } =
      init;
    const cut = [contentLength, pieceLength, Number(isOwnCut)];
    const texts = [digest?.text ?? null, JSON.stringify(init.responseHeaders), retentionText(retention)];
    const added = this.#guarded(
      "store",
      `task ${taskId}`,
      () => this.#insertTask.run(taskId, url, idParts, ...cut, ...texts, nowMs, nowMs),
    );
    return Number(added.lastInsertRowid);
  }

  addId(taskKey: number, id: string): void {
    this.#guarded("store", `task id ${id}`, () => {
      this.#db.prepare("INSERT OR REPLACE INTO other_id (id, task_key) VALUES (?, ?)").run(id, taskKey);
    });
  }

  removeId(id: string): void {
    this.#guarded("remove", `task id ${id}`, () => this.#db.prepare("DELETE FROM other_id WHERE id = ?").run(id));
  }

  /** Notes that a task without pieces is cut otherwise. */
  recut(taskKey: number, pieceLength: number, isOwnCut: boolean): void {
    this.#guarded("store", "how a task is cut", () => this.#recutTask.run(pieceLength, Number(isOwnCut), taskKey));
  }

  piece(taskKey: number, number: number): PieceRecord | undefined {
    const waiting = this.#waiting.find(taskKey, number);
    if (waiting !== undefined) return waiting;
    const row = this.#guarded("read", `piece ${number}`, () => this.#selectPiece.get(taskKey, number));
    return row && pieceRecord(row);
  }

  /**
   * The pieces of a task that an earlier run finished, ascending; to be asked for before this run writes any, for what
   * waits to be stored is not among them. A volume that is full must not keep anybody from reading.
   */
  pieces(taskKey: number): PieceRecord[] {
    return this.#guarded("read", "pieces", () => this.#selectPieces.all(taskKey).map(pieceRecord));
  }

  /**
   * Notes a finished piece, to be stored with others soon. It takes the place of an earlier record that could not be
   * removed: one row that is refused would keep all others waiting. Throws when so many wait that it must be now, and
   * cannot be.
   */
  addPiece(taskKey: number, piece: PieceRecord): void {
    this.#waiting.add({ taskKey, piece });
  }

  /** Stores the pieces that wait for it. */
  flush(): void {
    this.#waiting.flush();
  }

  /** Forgets pieces of an earlier run whose bytes turned out to be wrong. */
  removePieces(taskKey: number, numbers: readonly number[]): void {
    this.#guarded("remove", "pieces", () => {
      const statement = this.#db.prepare("DELETE FROM piece WHERE task_key = ? AND number = ?");
      this.#atOnce(() => numbers.forEach((number) => statement.run(taskKey, number)));
    });
  }

  seal(taskKey: number, finishedAtMs: number): void {
    this.#guarded("store", "a finished task", () => this.#sealTask.run(finishedAtMs, taskKey));
  }

  touch(taskKey: number, updatedAtMs: number): void {
    this.#guarded("store", "the last use of a task", () => this.#touchTask.run(updatedAtMs, taskKey));
  }

  retain(taskKey: number, retention: Retention): void {
    this.#guarded("store", "how long a task is kept", () => {
      this.#db.prepare("UPDATE task SET retention = ? WHERE key = ?").run(retentionText(retention), taskKey);
    });
  }

  /** Removes all tasks. */
  clear(): void {
    this.#waiting.drop();
    this.#guarded("remove", "all tasks", () => this.#db.exec("DELETE FROM task"));
  }

  /** Removes a task and its pieces. */
  removeTask(taskKey: number): void {
    this.#waiting.drop(taskKey);
    this.#guarded("remove", "a task", () => this.#deleteTask.run(taskKey));
  }

  /** Closes the database; once is enough. Pieces that cannot be stored any more are fetched again by the next run. */
  [Symbol.dispose](): void {
    if (!this.#db.isOpen) return;
    this.#waiting[Symbol.dispose]();
    try {
      this.#waiting.flush();
    } catch {
      this.#waiting.drop();
    }
    this.#db.close();
  }

  #addPieces(rows: readonly PieceRow[]): void {
    this.#guarded("store", "finished pieces", () =>
      this.#atOnce(() => {
        for (const { taskKey, piece } of rows) {
          const { number, digest, parentId, trafficType, costMs, finishedAtMs } = piece;
          this.#insertPiece.run(taskKey, number, digest, parentId, trafficType, Math.round(costMs), finishedAtMs);
        }
      }));
  }

  /** Runs `run` in a transaction. */
  #atOnce(run: () => void): void {
    this.#db.exec("BEGIN");
    try {
      run();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK"); // a full volume may have ended it
      throw error;
    }
  }

  #guarded<T>(action: string, what: string, run: () => T): T {
    try {
      return guarded(action, what, run);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#waiting.drop();
      this.#onDamage(error);
      throw new DamselflyError("internal", error.message, { cause: error });
    }
  }
}

/**
 * Locks a database for this process, checks it, and brings it up to date by the steps of `migrations` that it has not
 * taken yet. Throws what SQLite does, and `data_loss`.
 */
export function prepareDatabase(db: DatabaseSync, migrations: readonly string[]): void {
  // Without a sync per commit a crash of the machine can lose the last rows, but never damage the database.
  db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  db.exec("PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; COMMIT");
  const verdict = Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
  if (verdict !== "ok") throw new DamselflyError("data_loss", `The database is damaged: ${verdict}`);
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > migrations.length) {
    throw new DamselflyError("data_loss", `The database is of version ${version}, later than ${migrations.length}`);
  }
  for (const [index, migration] of migrations.entries()) {
    if (index >= version) db.exec(`BEGIN; ${migration} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

/** How SQLite's messages begin, since `node:sqlite` gives no codes. */
const CODES = [
  [/locked/, "failed_precondition", "another process uses this directory; stop it or set another storage.dir"],
  [/full/, "no_space", "the volume is full"],
  [/not a database|malformed|damaged|later than|no such (table|column)/, "data_loss", "move it away and start again"],
  [/unable to open|readonly/, "permission_denied", "make its directory writable for this user"],
] as const;

function guarded<T>(action: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const text = errorText(cause);
    const [, code, hint] = CODES.find(([pattern]) => pattern.test(text)) ?? [/./, "internal", "look at the disk"];
    throw new DamselflyError(code, `Cannot ${action} ${what} in the metadata of the storage: ${text}; ${hint}`, {
      cause,
    });
  }
}

/** Whether what the database said means that it cannot be trusted any more. */
function isDamage(error: unknown): error is DamselflyError {
  return error instanceof DamselflyError && (error.code === "data_loss" || /disk I\/O error/.test(error.message));
}

type Row = Record<string, unknown>;

function retentionText(retention: Retention | undefined): string | null {
  return retention === undefined ? null : JSON.stringify(retention);
}

function taskRow(row: Row): TaskRow {
  const digest = row["digest"] === null ? undefined : tryParseDigest(String(row["digest"]));
  const finishedAtMs = row["finished_at_ms"] === null ? undefined : Number(row["finished_at_ms"]);
  return {
    key: Number(row["key"]),
    finishedPieceCount: Number(row["finished_piece_count"]),
    record: {
      taskId: String(row["id"]),
      url: String(row["url"]),
      ...(row["id_parts"] !== null && { idParts: String(row["id_parts"]) }),
      plan: piecePlan(Number(row["content_length"]), Number(row["piece_length"])),
      isOwnCut: Number(row["is_own_cut"]) === 1,
      digest,
      responseHeaders: JSON.parse(String(row["response_headers"])) as Record<string, string>,
      otherIds: JSON.parse(String(row["other_ids"])) as string[],
      ...(row["retention"] !== null && { retention: JSON.parse(String(row["retention"])) as Retention }),
      isSealed: finishedAtMs !== undefined,
      createdAtMs: Number(row["created_at_ms"]),
      updatedAtMs: Number(row["updated_at_ms"]),
      finishedAtMs,
    },
  };
}

function pieceRecord(row: Row): PieceRecord {
  return {
    number: Number(row["number"]),
    digest: String(row["digest"]),
    parentId: String(row["parent_id"]),
    trafficType: String(row["traffic_type"]) as TrafficType,
    costMs: Number(row["cost_ms"]),
    finishedAtMs: Number(row["finished_at_ms"]),
  };
}
