import { formatBytes, formatMs } from "../core/for_people.ts";
import type { Timestamp } from "../rpc/gen/google/protobuf/timestamp.ts";
import { msOfTimestamp } from "../rpc/time.ts";

export { formatBytes, formatMs };

const BAR_WIDTH = 30;

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
