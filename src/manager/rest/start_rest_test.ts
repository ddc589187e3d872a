/** The REST API as its tests use it. */
import { hashSync } from "bcryptjs";
import type { Fetch } from "../../runtime/runtime.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { CacheTaskReader } from "../cache_tasks/cache_task_reader.ts";
import type { ConsoleFiles } from "../console/console_pack.ts";
import { fillEmptyStore } from "../first_start.ts";
import { Seal } from "../seal.ts";
import { scryptOnPool } from "../scrypt.ts";
import { openSqliteStore } from "../store/sqlite_store.ts";
import type { Store } from "../store/store.ts";
import type { User } from "../store/users.ts";
import type { SwarmReader } from "../swarms/swarm_reader.ts";
import { WARM_PURPOSE, WarmArgs } from "../warm/warm_args.ts";
import { createRestApp } from "./app.ts";
import { AuditLog } from "./audit_log.ts";
import type { RestOptions } from "./context.ts";
import type { JobRunner } from "./job_runner.ts";
import { API_GROUPS } from "./routes.ts";
import { Sessions } from "./sessions.ts";

export const PASSWORD = "correct horse";
export const HOUR_MS = 60 * 60_000;
/** An address that is not of this machine. */
export const ELSEWHERE = "192.0.2.1";
/** What a cluster needs at least. */
export const CONFIGS = { scheduler_cluster_config: {}, seed_peer_cluster_config: {}, peer_cluster_config: {} };

/** Runs nothing. */
const NO_JOBS: JobRunner = {
  types: new Set(),
  start: () => Promise.reject(new Error("It has no types of jobs")),
  cancel: () => Promise.resolve(),
  retry: () => Promise.reject(new Error("It has no jobs")),
};

/** Knows no swarms. */
const NO_SWARMS: SwarmReader = {
  list: () => Promise.resolve({ swarms: [], total: 0, silent: [] }),
  get: () => Promise.reject(new Error("It has no swarms")),
  pulls: () => Promise.reject(new Error("It has no hosts")),
};

/** Knows no tasks of a persistent cache. */
const NO_CACHE_TASKS: CacheTaskReader = {
  list: () => Promise.resolve({ rows: [], total: 0 }),
  shares: () => Promise.resolve([]),
  get: () => Promise.reject(new Error("It has no tasks")),
  remove: () => Promise.reject(new Error("It has no tasks")),
};

/** How a request differs from one of root's, from elsewhere. */
export interface SendOptions {
  readonly body?: unknown;
  /** A session or personal access token; null sends none. */
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly from?: string;
}

/** The REST API over a store in memory. */
export interface Rest extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly log: MemoryLog;
  readonly metrics: MemoryMetrics;
  readonly sessions: Sessions;
  readonly audits: AuditLog;
  readonly warmArgs: WarmArgs;
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
  /** {@link send}, and the JSON of a 200; anything else throws. */
  // deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
  json(method: string, path: string, options?: SendOptions): Promise<any>;
  /** A user with the role guest, and the token of a session of his. */
  guest(name?: string): Promise<{ readonly user: User; readonly token: string }>;
}

/** Starts the API; `initialPassword` is root's. */
export async function startRest(
  options: Partial<RestOptions> & {
    readonly initialPassword?: string;
    readonly fetch?: Fetch;
    readonly console?: ConsoleFiles;
  } = {},
): Promise<Rest> {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const metrics = new MemoryMetrics();
  const random = seededRandom(1);
  const store = await openSqliteStore(":memory:", { clock, log });
  // As a stock manager hashes it: that takes a fraction of our own time, of which tests have little.
  await store.users.create({ name: "root", passwordHash: hashSync(options.initialPassword ?? PASSWORD, 4) });
  await fillEmptyStore({ store, random, log, clock, env: () => undefined, groups: API_GROUPS });
  const key = "a key of the tests, which is long enough";
  const sessions = new Sessions({ key, timeout: 2 * HOUR_MS, maxRefresh: 3 * HOUR_MS }, clock);
  const audits = new AuditLog({ store, clock, log });
  const warmArgs = new WarmArgs(new Seal({ key, purpose: WARM_PURPOSE, random }));
  const app = createRestApp({
    ...{ store, sessions, audits, clock, random, log, metrics, realm: "Dragonfly", jobs: NO_JOBS, warmArgs },
    scrypt: scryptOnPool,
    ...{ swarms: NO_SWARMS, cacheTasks: NO_CACHE_TASKS },
    ...{ allowDefaultPassword: false, openSignUp: true, trustedProxies: { cidrs: [], header: "x-forwarded-for" } },
    fetch: () => Promise.reject(new Error("A test that needs another server gives its own fetch")),
    ...options,
  });
  const rootToken = async () => {
    const root = await store.users.findByName("root");
    return root === undefined ? "" : sessions.open(root).token;
  };
  const send: Rest["send"] = async (method, path, { body, token, headers = {}, from = ELSEWHERE } = {}) => {
    const bearer = token === undefined ? await rootToken() : token;
    const init = {
      method,
      headers: { ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    };
    const signal = new AbortController().signal;
    return await app.request(path, init, { remote: { hostname: from, port: 1 }, signal });
  };
  return {
    ...{ clock, store, log, metrics, sessions, audits, warmArgs, send },
    async json(method, path, sendOptions) {
      const response = await send(method, path, sendOptions);
      if (response.status === 200) return await response.json();
      throw new Error(`${method} ${path} answers ${response.status}: ${await response.text()}`);
    },
    async guest(name = "visitor") {
      const user = await store.users.create({ name, email: `${name}@example.com`, passwordHash: "" });
      await store.roles.grant(user.id, "guest");
      return { user, token: sessions.open(user).token };
    },
    async [Symbol.asyncDispose]() {
      await audits[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
