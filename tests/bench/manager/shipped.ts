/** The manager as it is shipped: as a process, under its permissions, from the sources or from its bundle. */
import { join } from "node:path";
import { bundleFlags } from "../../../src/install/unit.ts";
import { permissionFlags, type PermissionSet } from "../../../src/install/permission_flags.ts";
import { REPOSITORY } from "../../e2e/lib/components.ts";
import { onCore } from "../cores.ts";
import { cpuSecondsOf, memoryMiB, profileFlags } from "../part.ts";

/** Where `deno task bundle` writes it. */
export const BUNDLE = join(REPOSITORY, "dist", "manager.js");
const READY = "Manager is ready";
const READY_TIMEOUT_MS = 30_000;

/** Which form of the program runs. */
export type Form = "sources" | "bundle";

/** A running manager. */
export interface ShippedManager extends AsyncDisposable {
  readonly grpcPort: number;
  readonly restPort: number;
  /** From its start as a process until it answered. */
  readonly readyAfterMs: number;
  /** Processor time that this took, in seconds. */
  readonly readyCpuSeconds: number;
  /** Processor time that it has used, in seconds. */
  cpuSeconds(): number;
  /** How long its event loop waited for a processor that other threads had, its own process's too, in seconds; 0 where the system does not say. */
  waitedSeconds(): number;
  /** Memory that it has now. */
  rssMiB(): number;
}

/**
 * Starts the manager with a configuration file, on one processor if that is named. Fails with what it wrote when it is
 * not ready in time.
 */
export async function startShipped(
  form: Form,
  configPath: string,
  rootPassword: string,
  core?: number,
): Promise<ShippedManager> {
  const run = ["run", ...profileFlags("manager"), ...await scriptOf(form), "--config", configPath];
  const [command, args] = core === undefined ? [Deno.execPath(), run] : onCore(core, Deno.execPath(), run);
  const startedAt = performance.now();
  const child = new Deno.Command(command, {
    args,
    env: { DRAGONFLY_INITIAL_ROOT_PASSWORD: rootPassword },
    cwd: REPOSITORY,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  const late = setTimeout(() => child.kill("SIGKILL"), READY_TIMEOUT_MS);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const written = await untilReady(lines).finally(() => clearTimeout(late));
  const { grpc, rest } = JSON.parse(written) as Record<"grpc" | "rest", { readonly port: number }>;
  const readyAfterMs = performance.now() - startedAt;
  const readyCpuSeconds = cpuSecondsOf(child.pid);
  const drained = drain(lines);
  return {
    grpcPort: grpc.port,
    restPort: rest.port,
    readyAfterMs,
    readyCpuSeconds,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    waitedSeconds: () => waitedSecondsOf(child.pid),
    rssMiB: () => memoryMiB(child.pid, "VmRSS"),
    async [Symbol.asyncDispose]() {
      await stop();
      await drained;
    },
  };
}

/** What stands behind `deno run`: for the sources that of `deno task manager`, for the bundle that of its unit. */
async function scriptOf(form: Form): Promise<string[]> {
  const { permissions, tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json"))) as {
    permissions: { manager: PermissionSet };
    tasks: { manager: { command: string } };
  };
  const run = "deno run ";
  const { command } = tasks.manager;
  // What the task does before, such as to build the console, is no part of a start.
  if (form === "sources") return command.slice(command.lastIndexOf(run) + run.length).split(" ");
  return [...bundleFlags("manager"), ...permissionFlags(permissions.manager), BUNDLE];
}

/** The log line that says where it listens. */
async function untilReady(lines: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  while (true) {
    const { done, value } = await lines.read();
    if (done) throw new Error(`The manager did not start: ${text}`);
    text += value;
    const line = text.split("\n").slice(0, -1).find((each) => each.includes(READY));
    if (line !== undefined) return line;
  }
}

/** The second number of `schedstat`, in nanoseconds, of the first thread, which is the event loop's. */
function waitedSecondsOf(pid: number): number {
  try {
    return Number(Deno.readTextFileSync(`/proc/${pid}/schedstat`).split(" ")[1]) / 1e9;
  } catch {
    return 0;
  }
}

async function drain(lines: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await lines.read()).done);
}
