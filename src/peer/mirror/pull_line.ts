import { formatBytes, formatMs } from "../../core/for_people.ts";
import type { Traffic } from "../task/task.ts";

/** A content that somebody got, or a range of it. */
export interface Pull {
  /** What it is called, as {@link ContentRequest.name}. */
  readonly name: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly durationMs: number;
  /** Where the bytes of its task came from; undefined when it had none. */
  readonly traffic: Traffic | undefined;
}

/** A pull in a sentence: `Gave 27.3 MiB of team/app@sha256:…, in 1.52 s: 80 % from peers, 20 % from the source`. */
export function pullLine({ name, bytes, durationMs, traffic }: Pull): string {
  const { url, repository, digest } = name;
  const what = url ?? (repository === undefined ? digest : `${repository}@${digest}`);
  return `Gave ${formatBytes(bytes)} of ${what} in ${formatMs(durationMs)}: ${origins(traffic)}`;
}

function origins(traffic: Traffic | undefined): string {
  if (traffic === undefined) return "straight from the source";
  const parts = [["peers", traffic.remotePeer], ["the source", traffic.backToSource], [
    "this host",
    traffic.localPeer,
  ]] as const;
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  const named = parts.filter(([, bytes]) => bytes > 0).map(([from, bytes]) => `${percent(bytes, total)} from ${from}`);
  return named.length === 0 ? "it is empty" : named.join(", ");
}

/** Never 100 % of what is not all, nor 0 % of what is something. */
function percent(bytes: number, total: number): string {
  const rounded = Math.round((100 * bytes) / total);
  if (rounded === 100 && bytes < total) return "over 99 %";
  return rounded === 0 ? "under 1 %" : `${rounded} %`;
}
