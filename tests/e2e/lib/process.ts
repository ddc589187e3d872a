/** Child processes with a log file, a bounded stop and a way to say why they died. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inNetns } from "./netns.ts";
import { Abandon, type Probe, waitFor } from "./wait.ts";

const STOP_TIMEOUT_MS = 15_000;
const KILL_TIMEOUT_MS = 15_000;
const SHOWN_LOG_LINES = 40;

/** What to start, and where its output goes. */
export interface ProcessOptions {
  /** Names the process in messages; its log is `<name>.log` in `logDir`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logDir: string;
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** The network namespace that it runs in; left out, the one of this process. */
  readonly netns?: string | undefined;
}

/** A running child. Disposing it stops it and everything that it started. */
export interface RunningProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Everything printed so far, both streams. */
  log(): string;
  /** Whether the process still runs. */
  isAlive(): boolean;
  /** Waits until `probe` answers; gives up at once when the process ends. One that is not ready in time is stopped. */
  ready<T>(what: string, timeoutMs: number, probe: Probe<T>): Promise<T>;
  /** SIGTERM, then SIGKILL for what is left of its process group after a while. Stopping twice is allowed. */
  stop(): Promise<void>;
  /** SIGSTOP to the whole group: it hangs, seen from the others, until {@link resume}. */
  pause(): void;
  resume(): void;
  /** SIGKILL to the whole group: a crash, seen from the others. */
  kill(): Promise<void>;
}

/** Starts a child in a process group of its own; it writes straight into its log file, so nothing has to pump. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const logFile = join(options.logDir, `${options.name}.log`);
  const log = openSync(logFile, "a");
  const [command, args] = inNetns(options.netns, options.command, options.args);
  const child = spawn(command, args, {
    stdio: ["ignore", log, log],
    detached: true,
    env: { ...Deno.env.toObject(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(log);
  return new Child(options.name, logFile, child);
}

class Child implements RunningProcess {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  #exit: string | undefined;

  constructor(name: string, logFile: string, child: ChildProcess) {
    this.name = name;
    this.logFile = logFile;
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.once("error", (error) => resolve(error.message));
    });
    this.#exited.then((how) => this.#exit = how);
    this.pid = child.pid ?? -1;
  }

  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  isAlive(): boolean {
    return this.#exit === undefined && this.pid > 0;
  }

  async ready<T>(what: string, timeoutMs: number, probe: Probe<T>): Promise<T> {
    try {
      return await waitFor(`${what} of ${this.name}`, timeoutMs, async (signal) => {
        if (!this.isAlive()) throw new Abandon(new Error(`Cannot use ${this.name}: it ended with ${this.#exit}`));
        return await probe(signal);
      });
    } catch (error) {
      await this.stop();
      throw new Error(`${(error as Error).message}\n${this.#tail()}`, { cause: error });
    }
  }

  pause(): void {
    this.#signalGroup("SIGSTOP");
  }

  resume(): void {
    this.#signalGroup("SIGCONT");
  }

  async stop(): Promise<void> {
    this.resume();
    if (this.isAlive()) this.#child.kill("SIGTERM");
    await this.#groupGone(STOP_TIMEOUT_MS).catch(() => this.kill());
    if (this.pid > 0) await this.#exited;
  }

  async kill(): Promise<void> {
    this.#signalGroup("SIGKILL");
    await this.#groupGone(KILL_TIMEOUT_MS);
    if (this.pid > 0) await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #groupGone(timeoutMs: number): Promise<void> {
    await waitFor(`the end of ${this.name}`, timeoutMs, () => this.#signalGroup(0) ? undefined : true);
  }

  /** Signals the group (0 only asks); false when nobody is left in it. A group of 0 or 1 would be somebody else's. */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (this.pid <= 1) return false;
    try {
      process.kill(-this.pid, signal);
      return true;
    } catch {
      return false;
    }
  }

  #tail(): string {
    const lines = this.log().trimEnd().split("\n").slice(-SHOWN_LOG_LINES);
    return lines.map((line) => `  ${this.name} | ${line}`).join("\n");
  }
}
