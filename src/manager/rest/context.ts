import type { RequestInfo } from "../../http/serve.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Store } from "../store/store.ts";
import type { Sessions } from "./sessions.ts";

/** What the REST API works on. */
export interface RestOptions {
  readonly store: Store;
  readonly sessions: Sessions;
  /** Named in challenges. */
  readonly realm: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The type of our hono application: the connection comes with each request. */
export interface RestEnv {
  Bindings: RequestInfo;
}
