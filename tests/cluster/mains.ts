/** The real programs as child processes, each with its own configuration file and permission set. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { peerSettings, schedulerSettings, type Settings } from "../../src/cmd/local_cluster_settings.ts";
import type { HostPort } from "../../src/config/addresses.ts";
import { REPOSITORY } from "../e2e/lib/components.ts";
import { type RunningProcess, startProcess } from "../e2e/lib/process.ts";
import { READY_TIMEOUT_MS, type Stage } from "./stage.ts";

const EXIT_TIMEOUT_MS = 20_000;

/** The programs that have a configuration file. */
export type Program = "manager" | "scheduler" | "dfdaemon";

function argsOf(program: string, ...args: string[]): string[] {
  const script = program === "dfinit" ? "dfinit/main.ts" : `src/cmd/${program}.ts`;
  return ["run", "-q", "--no-prompt", `-P=${program}`, script, ...args];
}

/** Writes settings as the YAML that a user would write. */
export async function writeYaml(file: string, settings: Settings): Promise<string> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let table = root;
    for (const key of keys) table = (table[key] ??= {}) as Record<string, unknown>;
    table[last] = value;
  }
  await writeFile(file, stringify(root));
  return file;
}

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. One that does not end in time is killed, and its code is that of the signal. */
export async function runMain(program: Program | "dfget" | "dfinit" | "doctor", ...args: string[]): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), {
    args: argsOf(program, ...args),
    cwd: REPOSITORY,
    stdin: "null",
    signal: AbortSignal.timeout(EXIT_TIMEOUT_MS),
  });
  const { code, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out ?? "", stderr: err ?? "" };
}

/** A peer in a process of its own. */
export interface PeerMain extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly mirror: string;
  readonly dir: string;
}

/** Starts dfdaemon for a stage; a second one with the same name continues where the first one ended. */
export async function startPeerMain(
  stage: Stage,
  name: string,
  { manager, settings, isSeed = false }: {
    readonly manager?: HostPort;
    readonly settings?: Settings;
    readonly isSeed?: boolean;
  } = {},
): Promise<PeerMain> {
  const { ip, dir, upstreams } = stage;
  const own = { name, isSeed, place: { ip, firstPort: 0 }, dir, upstreams, manager: manager ?? stage.managerAddress };
  const process = await start(stage, "dfdaemon", name, { ...peerSettings(own), ...settings });
  const { mirror } = await ready(process, "Peer is ready");
  return {
    process,
    mirror: `http://${mirror}`,
    dir: join(dir, name),
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

/** A scheduler in a process of its own. */
export interface SchedulerMain extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly address: HostPort;
}

/** Starts a scheduler for a stage whose manager runs. */
export async function startSchedulerMain(stage: Stage, name: string): Promise<SchedulerMain> {
  const settings = schedulerSettings({ name, dir: stage.dir, ip: stage.ip, port: 0, manager: stage.managerAddress });
  const process = await start(stage, "scheduler", name, settings);
  const { hostname, port } = await ready(process, "The scheduler serves");
  return {
    process,
    address: { hostname: String(hostname), port: Number(port) },
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

async function start(stage: Stage, program: Program, name: string, settings: Settings): Promise<RunningProcess> {
  const dir = join(stage.dir, name);
  await mkdir(dir, { recursive: true });
  const file = await writeYaml(join(dir, `${program}.yaml`), settings);
  return startProcess({
    name,
    logDir: dir,
    command: Deno.execPath(),
    args: argsOf(program, "--config", file),
    cwd: REPOSITORY,
  });
}

/** Waits until the last start of a process logs a message; the line's fields. */
async function ready(process: RunningProcess, message: string): Promise<Record<string, unknown>> {
  const before = process.log().length;
  return await process.ready(message, READY_TIMEOUT_MS, () => {
    const lines = process.log().slice(before).split("\n").filter((line) => line.includes(message));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>).at(-1);
  });
}
