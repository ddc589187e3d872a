import { createHash } from "node:crypto";
import { OTHER_NAME } from "../../../core/content_name.ts";
import { DamselflyError } from "../../../core/error.ts";
import {
  TRAFFIC_ROWS_PER_HOUR_MAX,
  type TrafficAmount,
  type TrafficBytes,
  type TrafficKey,
  type TrafficMinute,
  type TrafficStatement,
  type TrafficStore,
  type TrafficTotal,
} from "../traffic.ts";
import type { SqlContext } from "./context.ts";
import type { RawRow, Sql } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { TRAFFIC, TRAFFIC_SENDER } from "./tables.ts";
import { ADD_BYTES, bytesOf, readable, TRAFFIC_BYTES, valuesOf } from "./traffic_bytes.ts";
import { addToMinute, minutesSince } from "./traffic_minutes.ts";

/** Another manager may add the same new row at the same moment. */
const ATTEMPTS_MAX = 5;
const SUMS = TRAFFIC_BYTES.map((name) => `sum(${readable(name)}) AS ${name}`).join(", ");
/** What stands for each key; the registry is a part of a repository's name. */
const KEY_COLUMNS: Readonly<Record<TrafficKey, readonly string[]>> = {
  registry: ["registry"],
  repository: ["registry", "repository"],
  application: ["application"],
  idc: ["idc"],
  hour: ["hour_ms"],
};

/** Hourly totals, a row for each registry, repository, application and IDC, and how far each sender has been heard. */
export class SqlTraffic implements TrafficStore {
  readonly #context: SqlContext;

  constructor(context: SqlContext) {
    this.#context = context;
  }

  async add(statement: TrafficStatement): Promise<boolean> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#context.database.transaction((sql) => this.#add(sql, statement));
      } catch (error) {
        const isTaken = error instanceof DamselflyError && error.code === "already_exists";
        if (!isTaken || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async totals(by: TrafficKey, sinceMs: number, limit: number): Promise<TrafficTotal[]> {
    const columns = KEY_COLUMNS[by].join(", ");
    const rows = await this.#context.database.all(
      `SELECT ${columns}, ${SUMS} FROM ${TRAFFIC} WHERE hour_ms >= ? GROUP BY ${columns}
       ORDER BY ${by === "hour" ? "hour_ms" : "served_bytes DESC"} LIMIT ${integerOf(limit)}`,
      [sinceMs],
    );
    return rows.map((row) => ({ name: nameOf(row, by), ...bytesOf(row) }));
  }

  async total(sinceMs: number): Promise<TrafficBytes> {
    const [row = {}] = await this.#context.database.all(`SELECT ${SUMS} FROM ${TRAFFIC} WHERE hour_ms >= ?`, [sinceMs]);
    return bytesOf(row);
  }

  minutes(sinceMs: number): Promise<TrafficMinute[]> {
    return minutesSince(this.#context.database, sinceMs);
  }

  async removeBefore(beforeMs: number, limit: number): Promise<number> {
    const { database } = this.#context;
    let removed = 0;
    for (const [table, key, time] of [[TRAFFIC, "row_key", "hour_ms"], [TRAFFIC_SENDER, "id", "heard_at_ms"]]) {
      const old = await database.all(
        `SELECT ${key} AS name FROM ${table} WHERE ${time} < ? LIMIT ${integerOf(limit)}`,
        [beforeMs],
      );
      const names = old.map(({ name }) => String(name));
      if (names.length === 0) continue;
      const marks = names.map(() => "?").join(", ");
      removed = Math.max(removed, await database.run(`DELETE FROM ${table} WHERE ${key} IN (${marks})`, names));
    }
    return removed;
  }

  async #add(sql: Sql, { senderId, sequence, idc, amounts }: TrafficStatement): Promise<boolean> {
    if (!await this.#isNew(sql, senderId, sequence)) return false;
    // Always in the same order, so that two managers never wait for each other.
    const rows = amounts.map((amount) => ({ amount, key: keyOf(amount, idc) }))
      .sort((a, b) => a.key < b.key ? -1 : 1);
    for (const { amount, key } of rows) await addAmount(sql, amount, idc, key);
    await addToMinute(sql, amounts, this.#context.clock.wallMs());
    return true;
  }

  /** Notes how far a sender has been heard; whether this is further than before. */
  async #isNew(sql: Sql, senderId: string, sequence: number): Promise<boolean> {
    const now = this.#context.clock.wallMs();
    const [known] = await sql.all(
      `SELECT sequence FROM ${TRAFFIC_SENDER} WHERE id = ? ${sql.dialect.forUpdate}`,
      [senderId],
    );
    if (known === undefined) {
      await sql.run(`INSERT INTO ${TRAFFIC_SENDER} (id, sequence, heard_at_ms) VALUES (?, ?, ?)`, [
        senderId,
        sequence,
        now,
      ]);
      return true;
    }
    if (integerOf(known["sequence"]) >= sequence) return false;
    await sql.run(`UPDATE ${TRAFFIC_SENDER} SET sequence = ?, heard_at_ms = ? WHERE id = ?`, [sequence, now, senderId]);
    return true;
  }
}

async function addAmount(sql: Sql, amount: TrafficAmount, idc: string, key: string): Promise<void> {
  if (await addTo(sql, amount, key)) return;
  const [row] = await sql.all(`SELECT count(*) AS total FROM ${TRAFFIC} WHERE hour_ms = ?`, [amount.hourMs]);
  const isFull = integerOf(row?.["total"]) >= TRAFFIC_ROWS_PER_HOUR_MAX;
  const counted = isFull
    ? { ...amount, registry: OTHER_NAME, repository: OTHER_NAME, application: OTHER_NAME }
    : amount;
  const place = isFull ? OTHER_NAME : idc;
  const countedKey = keyOf(counted, place);
  if (isFull && await addTo(sql, counted, countedKey)) return;
  const { hourMs, registry, repository, application } = counted;
  await sql.run(
    `INSERT INTO ${TRAFFIC} (row_key, hour_ms, registry, repository, application, idc, ${TRAFFIC_BYTES.join(", ")})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [countedKey, hourMs, registry, repository, application, place, ...valuesOf(amount)],
  );
}

/** Adds to a row; false when it is not there. */
async function addTo(sql: Sql, amount: TrafficAmount, key: string): Promise<boolean> {
  return await sql.run(`UPDATE ${TRAFFIC} SET ${ADD_BYTES} WHERE row_key = ?`, [...valuesOf(amount), key]) > 0;
}

/** Names are too long for an index of all of them. */
function keyOf({ hourMs, registry, repository, application }: TrafficAmount, idc: string): string {
  const parts = JSON.stringify([hourMs, registry, repository, application, idc]);
  return createHash("sha256").update(parts).digest("hex");
}

function nameOf(row: RawRow, by: TrafficKey): string {
  return KEY_COLUMNS[by].map((column) => String(row[column] ?? "")).filter((part) => part !== "").join("/");
}
