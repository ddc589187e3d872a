/** Parts of a bench that run in processes of their own, so that each has its own share of the machine. */
import { onCore } from "./cores.ts";

/** A process that this one started. */
export interface Part extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Processor time that it has used, in seconds. */
  cpuSeconds(): number;
  /** Its memory, in MiB. */
  memoryMiB(): number;
}

/** Ticks of the clock that Linux counts processor time in. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process: user and system, the fields 14 and 15 of its `stat`; 0 where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** A line of what the system knows of a process's memory, in MiB: `VmRSS` now, `VmHWM` at most so far. */
export function memoryMiB(pid: number, line: "VmRSS" | "VmHWM"): number {
  const kib = new RegExp(`^${line}:\\s+(\\d+) kB`, "m").exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kib ?? 0) / 1024;
}

/** With `BENCH_PROFILE=<role>` the process of that role is profiled. */
export function profileFlags(role: string): string[] {
  return role === Deno.env.get("BENCH_PROFILE") ? ["--cpu-prof"] : [];
}

/** Runs `script` with `args`, on one processor if that is named; it ends with this process. */
export async function spawnPart(script: string, role: string, args: readonly string[], core?: number): Promise<Part> {
  const run = ["run", "-A", ...profileFlags(role), script, ...args];
  const [command, commandArgs] = core === undefined ? [Deno.execPath(), run] : onCore(core, Deno.execPath(), run);
  const child = new Deno.Command(command, {
    args: commandArgs,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const started = JSON.parse((await reader.read()).value ?? "{}") as { port: number };
  return {
    ...started,
    pid: child.pid,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    memoryMiB: () => memoryMiB(child.pid, "VmRSS"),
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

/** The other side of {@link spawnPart}: says what was started, and ends when its starter closes the input. */
export async function serveAsPart(started: unknown): Promise<never> {
  console.log(JSON.stringify(started));
  for await (const _ of Deno.stdin.readable);
  Deno.exit(0);
}
