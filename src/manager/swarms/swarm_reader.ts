import type { ListPullsRequest, ListPullsResponse } from "../../rpc/gen/damselfly/v1/pulls.ts";
import type { FindHostResponse, GetSwarmResponse, SwarmSummary } from "../../rpc/gen/damselfly/v1/swarms.ts";
import type { SchedulerRecord } from "../store/services.ts";

/** A task, and the scheduler that knows it. */
export interface FoundSwarm extends SwarmSummary {
  readonly scheduler: SchedulerRecord;
}

/** Tasks of the schedulers of a cluster. */
export interface FoundSwarms {
  readonly swarms: readonly FoundSwarm[];
  readonly total: number;
  /** Schedulers that did not say, and why. */
  readonly silent: readonly { readonly scheduler: SchedulerRecord; readonly reason: string }[];
}

/** What the pulls of a host are, and which host that is. */
export interface FoundPulls {
  readonly host: FindHostResponse;
  readonly listed: ListPullsResponse;
}

/** Looks into the swarms of a cluster; what the REST API knows of it. */
export interface SwarmReader {
  /** A page of the tasks that move, or that have stopped: of the first 1,000 of them, and `total` is no more. */
  list(
    clusterId: number,
    wanted: { readonly stopped: boolean; readonly offset: number; readonly limit: number },
    signal: AbortSignal,
  ): Promise<FoundSwarms>;
  /** One task by its id or digest. Fails with `not_found`, and `unimplemented` where schedulers do not tell. */
  get(
    clusterId: number,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly scheduler: SchedulerRecord; readonly found: GetSwarmResponse }>;
  /** What one host pulled, by its id, name or address. Fails as {@link SwarmReader.get} does, and as the host does. */
  pulls(clusterId: number, host: string, request: ListPullsRequest, signal: AbortSignal): Promise<FoundPulls>;
}
