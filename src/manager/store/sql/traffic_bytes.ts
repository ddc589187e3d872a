import { TRAFFIC_OF_ROW_MAX, type TrafficBytes } from "../traffic.ts";
import type { RawRow, SqlValue } from "./database.ts";

/** The columns of amounts. */
export const TRAFFIC_BYTES = ["origin_bytes", "peer_bytes", "local_bytes", "served_bytes", "pulls"] as const;

const MOST = BigInt(TRAFFIC_OF_ROW_MAX);

/** Adds to the columns of a row, as far as it has not grown beyond all measure; takes the values. */
export const ADD_BYTES = TRAFFIC_BYTES
  .map((name) => `${name} = CASE WHEN ${name} >= ${MOST} THEN ${name} ELSE ${name} + ? END`).join(", ");

/** How a column is read: not as a whole number, of which SQLite gives none above 2^53 and adds none up above 2^63. */
export function readable(column: string): string {
  return `${column} * 1.0`;
}

/** The values of {@link TRAFFIC_BYTES}. */
export function valuesOf({ originBytes, peerBytes, localBytes, servedBytes, pulls }: TrafficBytes): SqlValue[] {
  return [originBytes, peerBytes, localBytes, servedBytes, pulls];
}

/** Sums may be larger than whole numbers are exact; nobody needs the last byte of petabytes. */
export function bytesOf(row: RawRow): TrafficBytes {
  const of = (name: typeof TRAFFIC_BYTES[number]) => Number(row[name] ?? 0);
  return {
    originBytes: of("origin_bytes"),
    peerBytes: of("peer_bytes"),
    localBytes: of("local_bytes"),
    servedBytes: of("served_bytes"),
    pulls: of("pulls"),
  };
}
