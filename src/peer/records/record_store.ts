import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { OTHER_NAME } from "../../core/content_name.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { prepareDatabase } from "../storage/metadata.ts";
import { OWED_MS, OWED_ROWS_MAX, type Statement, STATEMENT_ROWS_MAX, sumOf, type TrafficSum } from "./owed.ts";
import type { PullRecord } from "./pull_record.ts";

/** Pulls that are kept; a record takes 1 to 3 KB. */
export const PULLS_MAX = 4_000;
/** Reads of what was here already are many and small; they have a room of their own. */
export const HITS_MAX = 1_000;
/** Answers to tags that are kept. */
const TAGS_MAX = 2_000;
export const KEPT_MS = 7 * 24 * 60 * 60_000;

/** The steps from an empty database to today's; a step that was released never changes. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE pull (
     key INTEGER PRIMARY KEY,
     started_at_ms INTEGER NOT NULL,
     is_hit INTEGER NOT NULL,
     registry TEXT NOT NULL,
     repository TEXT NOT NULL,
     digest TEXT NOT NULL,
     task_id TEXT NOT NULL,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX pull_of_repository ON pull (repository, started_at_ms);
   CREATE INDEX pull_of_digest ON pull (digest);
   CREATE INDEX pull_of_task ON pull (task_id);
   CREATE INDEX pull_by_age ON pull (is_hit, key);
   CREATE TABLE tag (
     key INTEGER PRIMARY KEY,
     registry TEXT NOT NULL,
     repository TEXT NOT NULL,
     tag TEXT NOT NULL,
     digest TEXT NOT NULL,
     answered_at_ms INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX tag_of_repository ON tag (repository, answered_at_ms);
   CREATE TABLE owed (
     hour_ms INTEGER NOT NULL,
     registry TEXT NOT NULL,
     repository TEXT NOT NULL,
     application TEXT NOT NULL,
     origin_bytes INTEGER NOT NULL,
     peer_bytes INTEGER NOT NULL,
     local_bytes INTEGER NOT NULL,
     served_bytes INTEGER NOT NULL,
     pulls INTEGER NOT NULL,
     PRIMARY KEY (hour_ms, registry, repository, application)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE statement (sequence INTEGER PRIMARY KEY, sums TEXT NOT NULL) STRICT;
   CREATE TABLE sender (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  `CREATE INDEX pull_by_time ON pull (started_at_ms);`,
];

/** What a registry said of a tag. */
export interface TagAnswer {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly answeredAtMs: number;
}

/** Which pulls are wanted. Left out parts say nothing. */
export interface PullFilter {
  readonly repository?: string;
  /** Digest or task id. */
  readonly content?: string;
  readonly sinceMs?: number;
}

/**
 * Records of pulls and what is owed to the ledger of the manager, in a database of their own beside the storage's, so
 * that damage of one is none of the other. Calls are synchronous and take less than a millisecond for some records.
 */
export class RecordStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #senderId: string;
  /** How many pulls and how many hits are kept; undefined until they are counted. */
  #kept: [pulls: number, hits: number] | undefined;

  /** Opens the database at `path`, `:memory:` for none. Throws what `prepareDatabase` throws. `senderId` names a new one. */
  constructor(path: string, senderId: string) {
    const db = new DatabaseSync(path);
    try {
      prepareDatabase(db, MIGRATIONS);
      db.prepare("INSERT INTO sender (id, sequence) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM sender)").run(senderId);
      this.#senderId = String(db.prepare("SELECT id FROM sender").get()?.["id"]);
      this.#statements = prepareStatements(db);
    } catch (error) {
      db.close();
      throw error;
    }
    this.#db = db;
  }

  /** Keeps what has ended, and owes its bytes to the ledger; forgets what is old or too much. */
  add(records: readonly PullRecord[], tags: readonly TagAnswer[], nowMs: number): void {
    const before = this.#kept;
    this.#kept = undefined; // unless this succeeds
    this.#kept = this.#atOnce("keep", () => {
      const kept = before ?? this.#countPulls();
      for (const record of records) {
        const { startedAtMs, isHit, registry, repository, digest, taskId } = record;
        const keys = [Math.round(startedAtMs), Number(isHit), registry, repository, digest, taskId];
        this.#statements.addPull.run(...keys, JSON.stringify(record));
        kept[isHit ? 1 : 0]++;
        this.#addOwed(sumOf(record, nowMs));
      }
      for (const { registry, repository, tag, digest, answeredAtMs } of tags) {
        this.#statements.addTag.run(registry, repository, tag, digest, Math.round(answeredAtMs));
      }
      return this.#forget(kept, nowMs);
    });
  }

  /** The newest pulls first. */
  pulls({ repository, content, sinceMs }: PullFilter, limit: number): PullRecord[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, ...wanted: (string | number)[]) => {
      conditions.push(condition);
      values.push(...wanted);
    };
    if (repository !== undefined) where("repository = ?", repository);
    if (content !== undefined) where("(digest = ? OR task_id = ?)", content, content);
    if (sinceMs !== undefined) where("started_at_ms >= ?", Math.floor(sinceMs));
    const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const rows = this.#db.prepare(`SELECT record FROM pull ${filter} ORDER BY started_at_ms DESC, key DESC LIMIT ?`)
      .all(...values, limit);
    return rows.map((row) => JSON.parse(String(row["record"])) as PullRecord);
  }

  /** The answers to a tag, at whichever registry, the last one first. */
  tagAnswers({ repository, tag }: Pick<TagAnswer, "repository" | "tag">, limit: number): TagAnswer[] {
    const rows = this.#db.prepare("SELECT * FROM tag WHERE repository = ? AND tag = ? ORDER BY key DESC LIMIT ?")
      .all(repository, tag, limit);
    return rows.map((row) => ({
      ...{ registry: String(row["registry"]), repository, tag, digest: String(row["digest"]) },
      answeredAtMs: Number(row["answered_at_ms"]),
    }));
  }

  /** How many statements tell what is owed now. */
  statements(): number {
    const count = (table: string) => Number(this.#db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
    return count("statement") + Math.ceil(count("owed") / STATEMENT_ROWS_MAX);
  }

  /** What is to be told next; the same until {@link settle} was called with its number. Undefined when nothing is owed. */
  statement(): Statement | undefined {
    const waiting = this.#db.prepare("SELECT sequence, sums FROM statement ORDER BY sequence LIMIT 1").get();
    if (waiting !== undefined) {
      const sums = JSON.parse(String(waiting["sums"])) as TrafficSum[];
      return { senderId: this.#senderId, sequence: Number(waiting["sequence"]), sums };
    }
    const rows = this.#db.prepare("SELECT * FROM owed ORDER BY hour_ms LIMIT ?").all(STATEMENT_ROWS_MAX);
    if (rows.length === 0) return undefined;
    const sums = rows.map(trafficSumOf);
    const sequence = this.#atOnce("tell", () => {
      const { sequence } = this.#db.prepare("UPDATE sender SET sequence = sequence + 1 RETURNING sequence").get() as {
        sequence: number;
      };
      this.#db.prepare("INSERT INTO statement VALUES (?, ?)").run(sequence, JSON.stringify(sums));
      const remove = this.#db.prepare(
        "DELETE FROM owed WHERE hour_ms = ? AND registry = ? AND repository = ? AND application = ?",
      );
      for (const { hourMs, registry, repository, application } of sums) {
        remove.run(hourMs, registry, repository, application);
      }
      return sequence;
    });
    return { senderId: this.#senderId, sequence, sums };
  }

  /** A statement was heard. */
  settle(sequence: number): void {
    this.#db.prepare("DELETE FROM statement WHERE sequence = ?").run(sequence);
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  /** Removes what is old or too much; how much is kept after it. */
  #forget(kept: [pulls: number, hits: number], nowMs: number): [pulls: number, hits: number] {
    const { forgetOwed, forgetOldPulls, forgetFirstPulls, forgetTags } = this.#statements;
    forgetOwed.run(nowMs - OWED_MS);
    forgetTags.run(TAGS_MAX);
    const young = forgetOldPulls.run(nowMs - KEPT_MS).changes === 0 ? kept : this.#countPulls();
    const most = [PULLS_MAX, HITS_MAX] as const;
    for (const isHit of [0, 1] as const) {
      const tooMany = young[isHit] - most[isHit];
      if (tooMany > 0) young[isHit] -= Number(forgetFirstPulls.run(isHit, tooMany).changes);
    }
    return young;
  }

  #countPulls(): [pulls: number, hits: number] {
    const countOf = (isHit: 0 | 1) => Number(this.#statements.countPulls.get(isHit)?.["n"]);
    return [countOf(0), countOf(1)];
  }

  #addOwed(sum: TrafficSum): void {
    const { hourMs, originBytes, peerBytes, localBytes, servedBytes, pulls } = sum;
    const { findOwed, countOwed, owe } = this.#statements;
    const values = [originBytes, peerBytes, localBytes, servedBytes, pulls];
    const names = [sum.registry, sum.repository, sum.application];
    const isKnown = findOwed.get(hourMs, ...names) !== undefined;
    const isFull = !isKnown && Number(countOwed.get()?.["n"]) >= OWED_ROWS_MAX;
    owe.run(hourMs, ...isFull ? [OTHER_NAME, OTHER_NAME, OTHER_NAME] : names, ...values);
  }

  #atOnce<T>(action: string, run: () => T): T {
    this.#db.exec("BEGIN");
    try {
      const result = run();
      this.#db.exec("COMMIT");
      return result;
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      const message = `Cannot ${action} records of pulls: ${errorText(cause)}; look at the disk of storage.dir`;
      throw new DamselflyError("internal", message, { cause });
    }
  }
}

/** What each record runs; to prepare one costs as much as to run it. */
function prepareStatements(db: DatabaseSync) {
  return {
    addPull: db.prepare(
      `INSERT INTO pull (started_at_ms, is_hit, registry, repository, digest, task_id, record)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    countPulls: db.prepare("SELECT count(*) AS n FROM pull WHERE is_hit = ?"),
    forgetOldPulls: db.prepare("DELETE FROM pull WHERE started_at_ms < ?"),
    forgetFirstPulls: db.prepare(
      "DELETE FROM pull WHERE key IN (SELECT key FROM pull WHERE is_hit = ? ORDER BY key LIMIT ?)",
    ),
    addTag: db.prepare("INSERT INTO tag (registry, repository, tag, digest, answered_at_ms) VALUES (?, ?, ?, ?, ?)"),
    // Keys grow by one, and only the first ones are removed.
    forgetTags: db.prepare("DELETE FROM tag WHERE key <= (SELECT max(key) FROM tag) - ?"),
    findOwed: db.prepare(
      "SELECT 1 FROM owed WHERE hour_ms = ? AND registry = ? AND repository = ? AND application = ?",
    ),
    countOwed: db.prepare("SELECT count(*) AS n FROM owed"),
    owe: db.prepare(
      `INSERT INTO owed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         origin_bytes = origin_bytes + excluded.origin_bytes, peer_bytes = peer_bytes + excluded.peer_bytes,
         local_bytes = local_bytes + excluded.local_bytes, served_bytes = served_bytes + excluded.served_bytes,
         pulls = pulls + excluded.pulls`,
    ),
    forgetOwed: db.prepare("DELETE FROM owed WHERE hour_ms < ?"),
  };
}

type Row = Record<string, SQLOutputValue>;

function trafficSumOf(row: Row): TrafficSum {
  return {
    hourMs: Number(row["hour_ms"]),
    registry: String(row["registry"]),
    repository: String(row["repository"]),
    application: String(row["application"]),
    originBytes: Number(row["origin_bytes"]),
    peerBytes: Number(row["peer_bytes"]),
    localBytes: Number(row["local_bytes"]),
    servedBytes: Number(row["served_bytes"]),
    pulls: Number(row["pulls"]),
  };
}
