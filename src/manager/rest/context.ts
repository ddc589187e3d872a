import type { RequestInfo } from "../../http/serve.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Random } from "../../runtime/random.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { Redis } from "../../redis/redis.ts";
import type { Scrypt } from "../scrypt.ts";
import type { Store } from "../store/store.ts";
import type { SwarmReader } from "../swarms/swarm_reader.ts";
import type { WarmArgs } from "../warm/warm_args.ts";
import type { CacheTaskReader } from "../cache_tasks/cache_task_reader.ts";
import type { TrustedProxies } from "./client_address.ts";
import type { JobRunner } from "./job_runner.ts";
import type { LegacyPreheats } from "./legacy_preheats.ts";
import type { Sessions } from "./sessions.ts";

/** What the REST API works on. */
export interface RestOptions {
  readonly store: Store;
  readonly sessions: Sessions;
  /** Named in challenges. */
  readonly realm: string;
  /** Whether the password that everybody knows opens root's account for callers from other machines. */
  readonly allowDefaultPassword: boolean;
  /** Whether people may make accounts for themselves. */
  readonly openSignUp: boolean;
  readonly trustedProxies: TrustedProxies;
  /** Left out, the old API of preheats is not served. */
  readonly legacyPreheats?: LegacyPreheats | undefined;
  readonly jobs: JobRunner;
  readonly swarms: SwarmReader;
  readonly cacheTasks: CacheTaskReader;
  readonly warmArgs: WarmArgs;
  /** Where managers count together what they limit; left out, each counts by itself. */
  readonly redis?: Redis | undefined;
  /** What passwords are hashed with. */
  readonly scrypt: Scrypt;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: Fetch;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The type of our hono application: the connection comes with each request. */
export interface RestEnv {
  Bindings: RequestInfo;
  Variables: {
    /** The path of the route that answers, with `:id`. */
    route?: string;
  };
}
