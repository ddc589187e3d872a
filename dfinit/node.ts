import type { DfinitConfig } from "../src/config/dfinit.ts";
import { applyPlan, BACKUP_SUFFIX } from "./apply.ts";
import type { HostFiles } from "./host_files.ts";
import { type Plan, planning } from "./plan.ts";
import { fingerprint, readRecord } from "./record.ts";
import { applyRestore, planLeftovers, planRestore } from "./restore.ts";
import type { ContainerdConfig, ContainerdOptions } from "./runtimes/containerd_plan.ts";
import { containerdRuntime } from "./runtimes/containerd_runtime.ts";
import { dockerRuntime } from "./runtimes/docker_runtime.ts";
import { findK3s } from "./runtimes/k3s_plan.ts";
import { k3sRuntime } from "./runtimes/k3s_runtime.ts";
import { registriesConfRuntimes } from "./runtimes/registries_conf_runtime.ts";
import type { Runtime } from "./runtimes/runtime.ts";

/** How a runtime stands to what the configuration asks for. */
export type RuntimeState =
  | "configured"
  /** It was, and somebody changed a file, or the configuration of dfinit. */
  | "drifted"
  | "not configured"
  | "refused";

/** One runtime of the node, and what has to happen, or happened. */
export interface RuntimeResult {
  readonly name: string;
  readonly service: string | undefined;
  /** Undefined when it is being restored. */
  readonly state: RuntimeState | undefined;
  readonly plan: Plan;
  /** It runs with what its files held before. */
  readonly isRestartOwed: boolean;
  /** What systemctl has to do so that it reads its files; undefined when there is no need. */
  readonly reload: string | undefined;
  readonly daemonless: boolean;
}

/** All runtimes that the configuration names. */
export interface NodeResult {
  readonly runtimes: readonly RuntimeResult[];
}

/** What a run of dfinit says beyond the configuration. */
export interface NodeOptions {
  /** Write containerd's configuration when there is none. */
  readonly mayCreateConfig: boolean;
}

/** The runtimes that `config` names, on the node that `files` are of. */
export async function runtimesOf(config: DfinitConfig, options: NodeOptions, files: HostFiles): Promise<Runtime[]> {
  const { containerd, docker, ...registriesConf } = config.containerRuntime ?? {};
  const mirror = config.proxy.addr;
  return [
    ...(containerd === undefined ? [] : [await ofContainerd(containerd, { mirror, ...options }, files)]),
    ...(docker === undefined ? [] : [dockerRuntime(docker, mirror, files)]),
    ...registriesConfRuntimes(registriesConf, mirror, files),
  ];
}

async function ofContainerd(config: ContainerdConfig, options: ContainerdOptions, files: HostFiles): Promise<Runtime> {
  const k3s = await findK3s(config.configPath, files);
  return k3s === undefined
    ? containerdRuntime(config, options, files)
    : await k3sRuntime(k3s, config, options.mirror, files);
}

/** Plans to configure `runtime`, or with `isRestoring` to bring back what was before dfinit. */
export async function planRuntime(runtime: Runtime, isRestoring: boolean, files: HostFiles): Promise<RuntimeResult> {
  const plan = isRestoring
    ? await planRestore(runtime, files)
    : await planLeftovers(await planFresh(runtime, files), runtime, files);
  const notices = plan.changes.map((change) => runtime.noticed(change.path, change));
  const isRestartOwed = notices.includes("after a restart") || await isRestartDue(runtime, files);
  return {
    name: runtime.name,
    service: runtime.service,
    state: isRestoring ? undefined : await stateOf(plan, runtime, files),
    plan,
    isRestartOwed,
    reload: notices.includes("after a reload") ? `reload ${runtime.service}` : undefined,
    daemonless: runtime.service === undefined,
  };
}

/** Plans with what an earlier run wrote in mind. */
function planFresh(runtime: Runtime, files: HostFiles): Promise<Plan> {
  return planning(async () => runtime.plan((await readRecord(runtime.folder, files)).mirror));
}

/** Makes the changes of a plan. */
export async function carryOut(plan: Plan, runtime: Runtime, isRestoring: boolean, files: HostFiles): Promise<void> {
  if (isRestoring) await applyRestore(plan, runtime, files);
  else await applyPlan(plan, runtime, files);
}

async function stateOf(plan: Plan, runtime: Runtime, files: HostFiles): Promise<RuntimeState> {
  if (plan.refusals.length > 0) return "refused";
  if (plan.changes.length === 0) return "configured";
  const paths = [...plan.unchanged, ...plan.changes.map(({ path }) => path)];
  const copies = await Promise.all(paths.map((path) => files.exists(path + BACKUP_SUFFIX)));
  const record = await readRecord(runtime.folder, files);
  return record.files.size > 0 || copies.includes(true) ? "drifted" : "not configured";
}

/**
 * Whether dfinit wrote a file, in this run or an earlier one, that the runtime reads only when it starts, and it did
 * not start since. Without knowing when it started there is nothing to conclude.
 */
async function isRestartDue(runtime: Runtime, files: HostFiles): Promise<boolean> {
  const startedAt = runtime.startMark === undefined ? undefined : await files.writtenAt(runtime.startMark);
  if (startedAt === undefined) return false;
  for (const { path, sha256 } of (await readRecord(runtime.folder, files)).files.values()) {
    if (runtime.noticed(path) !== "after a restart" || (await files.writtenAt(path) ?? 0) <= startedAt) continue;
    const text = await files.read(path);
    if (text !== undefined && fingerprint(text) === sha256) return true;
  }
  return false;
}
