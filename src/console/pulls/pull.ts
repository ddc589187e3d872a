import type { Schemas } from "../api/client.ts";

export type Pull = Schemas["Pull"];

const DIGITS = 12;

/** What a content is called in a table. */
export function contentName({ digest, url }: Pick<Pull, "digest" | "url">): string {
  const [algorithm, hex = ""] = (digest ?? "").split(":");
  return digest === null ? url : `${algorithm}:${hex.slice(0, DIGITS)}`;
}

/** All bytes of some pulls from one kind of source. */
export function sumOf(pulls: readonly Pull[], key: "origin_bytes" | "peer_bytes" | "local_bytes"): number {
  return pulls.reduce((sum, pull) => sum + pull[key], 0);
}

/** Other hosts that gave something. */
export function giversOf(pulls: readonly Pick<Pull, "parents">[]): number {
  return new Set(pulls.flatMap(({ parents }) => parents.filter(({ bytes }) => bytes > 0).map(({ host_id }) => host_id)))
    .size;
}

/** Where a wait begins and ends within its pull, in percent. */
export function spanOf(
  { at_ms, ms }: Pick<Pull["events"][number], "at_ms" | "ms">,
  { duration_ms }: Pick<Pull, "duration_ms">,
): { readonly start: number; readonly end: number } {
  const percent = (at: number) => Math.min(100, Math.max(0, 100 * at / Math.max(1, duration_ms)));
  return { start: percent(at_ms - ms), end: percent(at_ms) };
}

/** What a kind or cause is called; one that this console does not know is shown as the host calls it. */
export function wordOf(words: Readonly<Record<string, string>>, key: string): string {
  return Object.hasOwn(words, key) ? words[key] ?? key : key;
}
