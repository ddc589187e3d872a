/** The numbers as a table, or as JSON. */
import { markdownTable } from "../table.ts";

/** One number: what was measured, and what it should be. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What must be reached, as a limit from below or from above; undefined for what only explains the others. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
  /** The number beside another one of the same run, which the machine slows down alike. */
  readonly ratio?: { readonly value: number; readonly to: string };
}

/** Whether a row has what it should have; nothing without a target. */
function reachedText({ value, target }: Row): string {
  if (target === undefined) return "";
  return ("atLeast" in target ? value >= target.atLeast : value <= target.atMost) ? "yes" : "no";
}

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    return [row.what, numberText(row.value, row.unit), targetText(row), reachedText(row), ratioText(row)];
  });
  const head = ["what", "measured", "target", "reached", "ratio"];
  return markdownTable([head, ...cells]);
}

function numberText(value: number, unit: string): string {
  return `${value < 100 ? Number(value.toPrecision(3)) : Math.round(value)} ${unit}`;
}

function targetText({ target, unit }: Row): string {
  if (target === undefined) return "";
  return "atLeast" in target ? `≥ ${target.atLeast} ${unit}` : `≤ ${target.atMost} ${unit}`;
}

function ratioText({ ratio }: Row): string {
  return ratio === undefined ? "" : `${ratio.value.toFixed(2)} of ${ratio.to}`;
}
