import type { Timestamp } from "../rpc/gen/google/protobuf/timestamp.ts";
import { msOfTimestamp } from "../rpc/time.ts";

const MIB = 1024 * 1024;
const BAR_WIDTH = 30;

/** Bytes for people: `27.3 MiB`, far below that in KiB, from 10,000 MiB on in GiB. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return "0";
  if (bytes >= 10_000 * MIB) return `${(bytes / MIB / 1024).toFixed(1)} GiB`;
  return bytes < MIB / 10 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

/** A time for people: `740 ms`, `1.52 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** `[=====>    ]  42% of 27.3 MiB` */
export function formatProgress(done: number, total: number): string {
  return `${formatBar(done, total)} of ${formatBytes(total)}`;
}

/** `[=====>    ]  42%` */
export function formatBar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = "=".repeat(filled) + (filled < BAR_WIDTH ? ">" : "");
  return `[${bar.padEnd(BAR_WIDTH)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** A point in time for people and for scripts: `2026-01-02T03:04:05Z`. */
function formatTime(wallMs: number): string {
  return new Date(Math.round(wallMs)).toISOString().replace(/\.\d+Z$/, "Z");
}

/** {@link formatTime} of a message of the protocol, which may leave it out. */
export function formatTimestamp(time: Timestamp | undefined): string {
  return time === undefined ? "-" : formatTime(msOfTimestamp(time));
}
