import { unifiedDiff } from "./diff.ts";
import type { NodeResult, RuntimeResult } from "./node.ts";
import type { Bypass, Change, Refusal } from "./plan.ts";
import { withoutSecrets } from "./secrets.ts";

/** How {@link reportResult} tells what happened. */
export interface ReportOptions {
  /** The changes are not made. */
  readonly isCheck: boolean;
  /** Show each change as a unified diff. */
  readonly withDiff: boolean;
}

/** What happened, or would happen, one file per line, and what the runtimes need to notice it. */
export function reportResult(result: NodeResult, { isCheck, withDiff }: ReportOptions): string {
  const changes = result.runtimes.flatMap(({ plan }) => plan.changes);
  const lines = [
    ...result.runtimes.flatMap(({ plan }) => plan.unchanged).map((path) => `unchanged ${path}`),
    ...changes.map(({ path, why, ...change }) => `${actionOf(change, isCheck)} ${path}: ${why}`),
  ];
  const text = lines.map((line) => `${line}\n`).join("");
  const outcomes = result.runtimes.map((runtime) => outcomeOf(runtime, isCheck)).filter((line) => line !== undefined);
  const told = changes.length === 0 && outcomes.length === 0 ? ["Nothing to do"] : outcomes;
  return `${text}${withDiff ? changes.map(diffOf).join("") : ""}${told.map((line) => `${line}\n`).join("")}`;
}

/** How each runtime stands to what the configuration asks for, and which registries go around the peer. */
export function reportStatus({ runtimes }: NodeResult): string {
  const lines = runtimes.flatMap((runtime) => {
    const { name, state, plan, isRestartOwed } = runtime;
    return [
      `${name}: ${state}`,
      ...plan.changes.map(({ path, why, ...change }) => `  ${actionOf(change, true)} ${path}: ${why}`),
      ...plan.bypassed.map(({ registry, reason }) => `  bypassed ${registry}: ${reason}`),
      ...(isRestartOwed && plan.changes.length === 0
        ? [`  ${name} has to be restarted: it started before its configuration changed`]
        : []),
    ];
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** Everything of a run as one JSON document. */
export function reportJson({ runtimes }: NodeResult, { isCheck, withDiff }: ReportOptions): string {
  const told = runtimes.map(({ name, state, plan, isRestartOwed }) => ({
    runtime: name,
    // The state was that before the changes; nothing is refused where they were made.
    state: isCheck || state === undefined ? state : "configured",
    changes: plan.changes.map((change) => ({
      path: change.path,
      action: actionOf(change, true).replace("would ", ""),
      why: change.why,
      ...(withDiff ? { diff: diffOf(change) } : {}),
    })),
    unchanged: plan.unchanged,
    bypassed: plan.bypassed,
    warnings: plan.warnings,
    refusals: plan.refusals,
    restart: isRestartOwed,
  }));
  return `${JSON.stringify({ applied: !isCheck, runtimes: told }, null, 2)}\n`;
}

/** What dfinit warns of, for standard error. */
export function reportWarnings(warnings: readonly string[]): string {
  return warnings.map((warning) => `warning: ${warning}\n`).join("");
}

/** A pull that goes around the peer is never silent. */
export function bypassWarning({ registry, reason, todo }: Bypass): string {
  return `${reason}, so pulls from ${registry === "*" ? "all registries" : registry} go around the peer. ${todo}`;
}

/** What dfinit refuses, and the way out, for standard error. */
export function reportRefusals(refusals: readonly Refusal[]): string {
  return refusals.map(({ path, reason, todo }) => `refused ${path}: ${reason}. ${todo}\n`).join("");
}

function actionOf({ before, after }: Pick<Change, "before" | "after">, isCheck: boolean): string {
  const verb = after === undefined ? "remove" : before === undefined ? "create" : "change";
  return isCheck ? `would ${verb}` : verb.endsWith("e") ? `${verb}d` : `${verb}ed`;
}

function diffOf({ path, before, after }: Change): string {
  // Lines around a change are shown too, and credentials may stand there.
  return withoutSecrets(unifiedDiff(path, before, after), path, [before ?? "", after ?? ""]);
}

/** What the runtime needs to notice the changes; undefined when nothing of it changed. */
function outcomeOf({ name, plan, isRestartOwed, reload, daemonless }: RuntimeResult, isCheck: boolean) {
  const isPlanned = isCheck && plan.changes.length > 0;
  if (isRestartOwed) return `${name} ${isPlanned ? "would have" : "has"} to be restarted`;
  if (plan.changes.length === 0) return undefined;
  if (reload !== undefined) {
    return `${name} ${isPlanned ? "would have" : "has"} to read its configuration: systemctl ${reload}`;
  }
  if (daemonless) return `No restart is needed: ${name} reads its configuration at every run`;
  return `No restart is needed: ${name} reads hosts.toml files at every pull`;
}
