import { DfinitConfig } from "../config/dfinit.ts";
import { parseConfig } from "../config/load.ts";
import { DamselflyError } from "../core/error.ts";
import type { HostFiles } from "../../dfinit/host_files.ts";
import { planRuntime, runtimesOf, type RuntimeState } from "../../dfinit/node.ts";
import type { Bypass, Refusal } from "../../dfinit/plan.ts";
import { RefusalError } from "../../dfinit/plan.ts";
import type { Route } from "../../dfinit/runtimes/route.ts";
import type { Runtime } from "../../dfinit/runtimes/runtime.ts";

/** What is known of one container runtime of the node. */
export interface RuntimeFacts {
  readonly name: string;
  /** The unit of systemd that runs it; undefined for one without a daemon. */
  readonly service: string | undefined;
  /** The URL of the mirror that it is to ask. */
  readonly mirror: string;
  /** How its files stand to dfinit.yaml, or where there is none to what dfinit needs at the least. */
  readonly state: RuntimeState | undefined;
  readonly changes: readonly { readonly path: string; readonly why: string }[];
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  readonly bypassed: readonly Bypass[];
  readonly routes: readonly Route[];
  /** A file of its configuration is younger than its last start; "by dfinit" wrote it. */
  readonly restart: "by dfinit" | "by somebody" | "not owed";
  /** The file that is younger. */
  readonly changedFile?: string;
}

/** Where each runtime's configuration usually is, in the words of dfinit.yaml. */
const USUAL: readonly [kind: string, path: string][] = [
  ["containerd", "/etc/containerd/config.toml"],
  ["containerd", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"],
  ["containerd", "/var/lib/rancher/rke2/agent/etc/containerd/config.toml"],
  ["docker", "/etc/docker/daemon.json"],
  ["podman", "/etc/containers/registries.conf"],
];

/**
 * What dfinit.yaml would say of the runtimes whose files are on the node. It asks for no registry in particular, so
 * that a node on which somebody wrote a `hosts.toml` by hand is as it should be.
 */
export async function runtimesFound(mirror: string, files: HostFiles): Promise<DfinitConfig> {
  const kinds = new Map<string, string>();
  for (const [kind, path] of USUAL) {
    if (!kinds.has(kind) && await files.exists(path)) kinds.set(kind, path);
  }
  const settings = [...kinds].flatMap(([kind, path]) => [
    [`containerRuntime.${kind}.configPath`, path],
    ...(kind === "containerd" ? [["containerRuntime.containerd.proxyAllRegistries", false]] : []),
  ]);
  return parseConfig(DfinitConfig, "", "dfinit", Object.fromEntries([["proxy.addr", mirror], ...settings])).config;
}

/** Looks at the runtimes that `config` names, and whom they ask for images of `registries`. */
export async function lookAtRuntimes(
  config: DfinitConfig,
  registries: readonly string[],
  files: HostFiles,
): Promise<RuntimeFacts[]> {
  try {
    const runtimes = await runtimesOf(config, { mayCreateConfig: false }, files);
    return await Promise.all(runtimes.map((runtime) => lookAt(runtime, registries, files)));
  } catch (error) {
    return [unreadable("container runtime", config.proxy.addr, refusalOf(error))];
  }
}

async function lookAt(runtime: Runtime, registries: readonly string[], files: HostFiles): Promise<RuntimeFacts> {
  try {
    const { state, plan, isRestartOwed } = await planRuntime(runtime, false, files);
    const { changes, refusals, warnings, bypassed, unchanged } = plan;
    const changedFile = await youngerThanStart(runtime, unchanged, files);
    return {
      ...{ name: runtime.name, service: runtime.service, mirror: runtime.mirror, state },
      ...{ changes, refusals, warnings, bypassed },
      routes: refusals.length > 0 ? [] : await runtime.routes(registries),
      restart: isRestartOwed && changes.length === 0
        ? "by dfinit"
        : changedFile === undefined
        ? "not owed"
        : "by somebody",
      ...(changedFile === undefined ? {} : { changedFile }),
    };
  } catch (error) {
    return unreadable(runtime.name, runtime.mirror, refusalOf(error));
  }
}

function unreadable(name: string, mirror: string, refusal: Refusal): RuntimeFacts {
  return {
    ...{ name, mirror, service: undefined, state: "refused", changes: [], refusals: [refusal] },
    ...{ warnings: [], bypassed: [], routes: [], restart: "not owed" },
  };
}

/** What the files of a runtime cannot be read for. Throws what is no fault of the node. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof RefusalError) return error.refusal;
  if (!(error instanceof DamselflyError)) throw error;
  const todo = error.code === "permission_denied" ? "Run the doctor as root" : "Mend what is named there";
  return { path: "its files", reason: error.message, todo };
}

/** A file that the runtime reads only when it starts, and that was written since. */
async function youngerThanStart(
  runtime: Runtime,
  paths: readonly string[],
  files: HostFiles,
): Promise<string | undefined> {
  const startedAt = runtime.startMark === undefined ? undefined : await files.writtenAt(runtime.startMark);
  if (startedAt === undefined) return undefined;
  for (const path of paths) {
    if (runtime.noticed(path) === "after a restart" && (await files.writtenAt(path) ?? 0) > startedAt) return path;
  }
  return undefined;
}
