/** A real Redis on an address of its own, which keeps nothing on disk, and sentinels for it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram } from "./programs.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { accepts } from "./tcp.ts";

export const REDIS_PROGRAM = "redis-server";

const START_TIMEOUT_MS = 60_000;
/** A stock manager uses three numbered databases; tests give each cluster its own. */
const DATABASES = 64;

/** A running server. */
export interface RedisServer extends AsyncDisposable {
  readonly address: { readonly hostname: string; readonly port: number };
  /** The number of its process, for a test that lets it stand still. */
  readonly pid: number;
  /** Ends it, and all that it holds. */
  stop(): Promise<void>;
  /** Starts it again where it was, empty. */
  restart(): Promise<void>;
}

/** Starts a server; `more` are options of `redis-server`. */
export async function startRedis(
  at: { readonly ip: string; readonly port: number; readonly dir: string },
  more: readonly string[] = [],
): Promise<RedisServer> {
  const { ip, port, dir } = at;
  const own = ["--bind", ip, "--port", `${port}`, "--dir", dir, "--save", "", "--protected-mode", "no"];
  const start = async (): Promise<RunningProcess> => {
    const process = startProcess({
      name: "redis",
      command: requireProgram(REDIS_PROGRAM),
      args: [...own, "--databases", `${DATABASES}`, ...more],
      logDir: dir,
    });
    await process.ready("the port", START_TIMEOUT_MS, (signal) => accepts(ip, port, signal));
    return process;
  };
  let process = await start();
  return {
    address: { hostname: ip, port },
    get pid() {
      return process.pid;
    },
    stop: () => process.stop(),
    async restart() {
      process = await start();
    },
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

/** Starts a sentinel; `lines` are those of its configuration about the masters that it watches. */
export async function startSentinel(
  { ip, port, dir }: { readonly ip: string; readonly port: number; readonly dir: string },
  lines: readonly string[],
): Promise<RunningProcess> {
  const config = join(dir, "sentinel.conf");
  await writeFile(config, [`bind ${ip}`, `port ${port}`, `dir ${dir}`, ...lines, ""].join("\n"));
  const command = requireProgram(REDIS_PROGRAM);
  const process = startProcess({ name: "sentinel", command, args: [config, "--sentinel"], logDir: dir });
  await process.ready("the port", START_TIMEOUT_MS, (signal) => accepts(ip, port, signal));
  return process;
}
