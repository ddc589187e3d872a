import { printable } from "../cli/table.ts";
import { VERSION } from "../core/version.ts";
import type { Level, Outcome } from "./finding.ts";

const WORDS: Readonly<Record<Level, string>> = { ok: "ok", info: "info", warn: "warn", fail: "FAIL" };
const COLOURS: Readonly<Record<Level, string>> = { ok: "32", info: "36", warn: "33", fail: "31;1" };
const WORD_WIDTH = 4;
const AREA_WIDTH = 12;

/** What was found, a line each, and then what mends it, the worst first. */
export function reportText(outcomes: readonly Outcome[], { isColoured }: { readonly isColoured: boolean }): string {
  const painted = (level: Level, text: string) => isColoured ? `\x1b[${COLOURS[level]}m${text}\x1b[0m` : text;
  const lines = outcomes.map(({ id, level, subject, what }) => {
    const word = painted(level, WORDS[level].padEnd(WORD_WIDTH));
    return `${word}  ${areaOf(id).padEnd(AREA_WIDTH)}  ${printable(`${subject}: ${what}`)}\n`;
  });
  const mends = [...mendable(outcomes, "fail"), ...mendable(outcomes, "warn")].map(
    ({ id, level, subject, mend }, i) => {
      return `${String(i + 1).padStart(2)}. ${painted(level, id)}  ${printable(subject)}\n      ${
        printable(mend ?? "")
      }\n`;
    },
  );
  const heading = mends.length === 0 ? "" : "\nWhat mends it, the worst first:\n";
  return `${lines.join("")}${heading}${mends.join("")}\n${summary(outcomes)}\n`;
}

/** Everything as one JSON document. */
export function reportJson(outcomes: readonly Outcome[]): string {
  const count = (wanted: Level) => outcomes.filter(({ level }) => level === wanted).length;
  const told = {
    version: VERSION,
    failures: count("fail"),
    warnings: count("warn"),
    checks: outcomes.map(({ id, level, subject, what, mend }) => ({ id, level, subject, what, mend: mend ?? null })),
  };
  return `${JSON.stringify(told, null, 2)}\n`;
}

/** The second word of an id: `doctor.mirror.unreachable` is about the mirror. */
function areaOf(id: string): string {
  return (id.split(".")[1] ?? id).replaceAll("_", " ");
}

function mendable(outcomes: readonly Outcome[], wanted: Level): Outcome[] {
  return outcomes.filter(({ level, mend }) => level === wanted && mend !== undefined);
}

function summary(outcomes: readonly Outcome[]): string {
  const count = (wanted: Level) => outcomes.filter(({ level }) => level === wanted).length;
  const [failures, warnings] = [count("fail"), count("warn")];
  if (failures + warnings === 0) return "All is well.";
  const parts = [
    ...(failures === 0 ? [] : [`${failures} broken`]),
    ...(warnings === 0 ? [] : [`${warnings} to look at`]),
  ];
  return `${parts.join(", ")}.`;
}
