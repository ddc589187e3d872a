import type { TrafficBytes } from "../traffic.ts";
import type { RawRow, SqlValue } from "./database.ts";

/** The columns of amounts. */
export const TRAFFIC_BYTES = ["origin_bytes", "peer_bytes", "local_bytes", "served_bytes", "pulls"] as const;

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
