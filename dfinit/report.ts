import { unifiedDiff } from "./diff.ts";
import type { Plan, Refusal } from "./plan.ts";

/** How {@link reportPlan} tells a plan. */
export interface ReportOptions {
  /** The changes are not made. */
  readonly isCheck: boolean;
  /** Show each change as a unified diff. */
  readonly withDiff: boolean;
}

/** What happened, or would happen, one file per line, and whether the runtime must be restarted. */
export function reportPlan(plan: Plan, { isCheck, withDiff }: ReportOptions): string {
  const lines = plan.unchanged.map((path) => `unchanged ${path}`);
  for (const { path, before, why } of plan.changes) {
    lines.push(
      `${isCheck ? "would " : ""}${before === undefined ? "create" : "change"}${isCheck ? "" : "d"} ${path}: ${why}`,
    );
  }
  const text = lines.map((line) => `${line}\n`).join("");
  const diffs = withDiff
    ? plan.changes.map(({ path, before, after }) => unifiedDiff(path, before, after)).join("")
    : "";
  return `${text}${diffs}${outcome(plan, isCheck)}\n`;
}

/** What dfinit warns of, for standard error. */
export function reportWarnings({ warnings }: Plan): string {
  return warnings.map((warning) => `warning: ${warning}\n`).join("");
}

/** What dfinit refuses, and the way out, for standard error. */
export function reportRefusals(refusals: readonly Refusal[]): string {
  return refusals.map(({ path, reason, todo }) => `refused ${path}: ${reason}. ${todo}\n`).join("");
}

function outcome({ changes, restart }: Plan, isCheck: boolean): string {
  if (changes.length === 0) return "Nothing to do";
  if (restart !== undefined) return `${isCheck ? `${restart} would have` : `${restart} has`} to be restarted`;
  return "No restart is needed: containerd reads hosts.toml files at every pull";
}
