import type { TomlValue } from "smol-toml";
import { unifiedDiff } from "./diff.ts";
import type { Change, Plan, Refusal } from "./plan.ts";
import { isTable, parseToml } from "./toml_edit.ts";

/** Keys whose values are credentials, in containerd's configuration and in headers of `hosts.toml`. */
const SECRET_KEY = /^auth|auth$|authorization|password|token|secret|cookie/i;

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
  const diffs = withDiff ? plan.changes.map(diffOf).join("") : "";
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

/** A diff shows lines around a change, and credentials may stand there. */
function diffOf({ path, before, after }: Change): string {
  const secrets = [before ?? "", after].flatMap((text) => secretsIn(parseToml(text).values, false));
  const longestFirst = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((diff, secret) => diff.replaceAll(secret, "***"), unifiedDiff(path, before, after))
    .replaceAll(/^([ +-][ \t]*#.*(?:auth|password|token|secret|cookie)\w*"?[ \t]*=).*$/gim, "$1 ***");
}

function secretsIn(value: TomlValue, isSecret: boolean): string[] {
  if (typeof value === "string") return isSecret && value !== "" ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => secretsIn(item, isSecret));
  if (!isTable(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, isSecret || SECRET_KEY.test(key)));
}

function outcome({ changes, restart }: Plan, isCheck: boolean): string {
  if (changes.length === 0) return "Nothing to do";
  if (restart !== undefined) return `${isCheck ? `${restart} would have` : `${restart} has`} to be restarted`;
  return "No restart is needed: containerd reads hosts.toml files at every pull";
}
