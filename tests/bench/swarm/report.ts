/** The figures as text. */
import { markdownTable } from "../table.ts";
import type { Figures } from "./figures.ts";
import type { BurstOutcome } from "./measure.ts";
import type { Contender } from "./options.ts";

const MB = 1e6;
/** Acknowledgements and talk are no food. */
const FED_BYTES_MIN = MB;

const COLUMNS: readonly (readonly [string, (figures: Figures) => string])[] = [
  ["kind", ({ kind }) => kind],
  ["nodes, Mbit/s", ({ nodes, mbit }) => `${nodes}, ${mbit}`],
  ["first byte ms", ({ first_byte_ms }) => String(first_byte_ms)],
  ["p50 s", ({ p50_s }) => p50_s.toFixed(1)],
  ["last s", ({ last_s }) => last_s.toFixed(1)],
  ["bound s", ({ bound_s }) => bound_s.toFixed(1)],
  ["efficiency", ({ efficiency }) => efficiency.toFixed(2)],
  ["seed copies", ({ seed_copies }) => seed_copies.toFixed(2)],
  ["origin copies", ({ origin_copies }) => origin_copies.toFixed(3)],
  ["origin requests", ({ origin_requests }) => String(origin_requests)],
  ["CPU s", ({ cpu_s }) => cpu_s.toFixed(1)],
  ["peak RSS MiB", ({ peak_rss_mib }) => String(peak_rss_mib)],
  ["CPU-bound", ({ cpu_bound }) => `${Math.round(cpu_bound * 100)} %`],
  ["failed", ({ failed }) => String(failed)],
];

/** One line for each contender, as a table in Markdown. */
export function figuresTable(all: readonly Figures[]): string {
  return markdownTable([COLUMNS.map(([title]) => title), ...all.map((one) => COLUMNS.map(([, text]) => text(one)))]);
}

/** What each program used, and whom each node got how many MB from, of those who gave it more than a trifle. */
export function nodesTable(outcome: BurstOutcome): string {
  const names = [...new Set([...outcome.usage.keys(), ...outcome.pulls.keys()])];
  const rows = names.map((name) => {
    const pull = outcome.pulls.get(name);
    const used = outcome.usage.get(name);
    const time = pull === undefined ? "" : "failure" in pull ? "failed" : (pull.ms / 1_000).toFixed(1);
    const fed = [...outcome.received.get(name) ?? []].filter(([, bytes]) => bytes >= FED_BYTES_MIN)
      .toSorted(([, a], [, b]) => b - a).map(([from, bytes]) => `${from} ${Math.round(bytes / MB)}`);
    return [name, time, used?.cpuSeconds.toFixed(1) ?? "", used?.peakRssMib.toFixed(0) ?? "", fed.join(", ")];
  });
  return markdownTable([["program", "s", "CPU s", "peak RSS MiB", "MB from"], ...rows]);
}

/** One object: the figures of ours, or of whoever is there, with the others below their names. */
export function figuresJson(all: readonly Figures[]): string {
  const first = (["ours", "stock", "direct"] satisfies Contender[]).map((kind) => all.find((one) => one.kind === kind))
    .find((one) => one !== undefined);
  const others = all.filter((one) => one !== first).map((one) => [one.kind, one]);
  return JSON.stringify({ ...first, ...Object.fromEntries(others) });
}
