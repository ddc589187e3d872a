/** What was moved in the last minutes: for people who watch, where {@link SqlTraffic} counts. */
import {
  TRAFFIC_MINUTES_MAX,
  TRAFFIC_OF_ROW_MAX,
  type TrafficAmount,
  type TrafficBytes,
  type TrafficMinute,
} from "../traffic.ts";
import type { Sql } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { TRAFFIC_MINUTE } from "./tables.ts";
import { ADD_BYTES, bytesOf, readable, TRAFFIC_BYTES, valuesOf } from "./traffic_bytes.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Hosts tell every minute; what is told of an hour that ended longer ago was held up and is not of now. */
const LATE_MS = 5 * MINUTE_MS;
const COLUMNS = ["minute_ms", ...TRAFFIC_BYTES.map((name) => `${readable(name)} AS ${name}`)].join(", ");

/** Adds what has just been told to its minute, in a row that held a minute of long ago. */
export async function addToMinute(sql: Sql, amounts: readonly TrafficAmount[], nowMs: number): Promise<void> {
  const fresh = amounts.filter(({ hourMs }) => hourMs + HOUR_MS + LATE_MS > nowMs);
  if (fresh.length === 0) return;
  const minute = Math.floor(nowMs / MINUTE_MS);
  const [slot, minuteMs, values] = [minute % TRAFFIC_MINUTES_MAX, minute * MINUTE_MS, valuesOf(sumOf(fresh))];
  const where = "WHERE slot = ? AND minute_ms = ?";
  if (await sql.run(`UPDATE ${TRAFFIC_MINUTE} SET ${ADD_BYTES} ${where}`, [...values, slot, minuteMs]) > 0) return;
  const set = ["minute_ms", ...TRAFFIC_BYTES].map((name) => `${name} = ?`).join(", ");
  if (await sql.run(`UPDATE ${TRAFFIC_MINUTE} SET ${set} WHERE slot = ?`, [minuteMs, ...values, slot]) > 0) return;
  const names = ["slot", "minute_ms", ...TRAFFIC_BYTES];
  const marks = names.map(() => "?").join(", ");
  await sql.run(`INSERT INTO ${TRAFFIC_MINUTE} (${names.join(", ")}) VALUES (${marks})`, [slot, minuteMs, ...values]);
}

/** The minutes since a time in which anything was told, in order. */
export async function minutesSince(sql: Sql, sinceMs: number): Promise<TrafficMinute[]> {
  const rows = await sql.all(
    `SELECT ${COLUMNS} FROM ${TRAFFIC_MINUTE} WHERE minute_ms >= ? ORDER BY minute_ms`,
    [sinceMs],
  );
  return rows.map((row) => ({ minuteMs: integerOf(row["minute_ms"]), ...bytesOf(row) }));
}

function sumOf(amounts: readonly TrafficBytes[]): TrafficBytes {
  const of = (key: keyof TrafficBytes) => {
    return Math.min(TRAFFIC_OF_ROW_MAX, amounts.reduce((sum, amount) => sum + amount[key], 0));
  };
  return {
    originBytes: of("originBytes"),
    peerBytes: of("peerBytes"),
    localBytes: of("localBytes"),
    servedBytes: of("servedBytes"),
    pulls: of("pulls"),
  };
}
