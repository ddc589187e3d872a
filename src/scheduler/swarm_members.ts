import type { Host as Announcement } from "../rpc/gen/common/v2/common.ts";
import type { SwarmMember } from "../rpc/gen/damselfly/v1/swarms.ts";
import type { State, Task } from "./core/state.ts";
import { SOURCE, type Trace } from "./core/swarms.ts";

/** Peers that are told of only because others got something from them. */
const ELDERS_MAX = 100;

/** The peers of a task that are told of one by one; of those from before their burst the ones that gave something. */
export function membersOf(state: State, task: Task, begunAtMs: number): SwarmMember[] {
  const { told } = task.swarm;
  // Who registers again under the same id is told of once, as it is now.
  const byId = new Map([...eldersOf(task), ...told].map((trace) => [trace.peerId, trace]));
  const traces = [...byId.values()];
  const places = new Map(traces.map(({ peerId }, at) => [peerId, at]));
  return traces.map((trace) => memberOf(state, trace, places, begunAtMs));
}

function eldersOf({ swarm: { told }, peers }: Task): Trace[] {
  const givers = new Set(told.flatMap(({ feeds }) => [...feeds.keys()]));
  for (const { peerId } of told) givers.delete(peerId);
  return [...givers].slice(0, ELDERS_MAX).flatMap((id) => peers.get(id)?.trace ?? []);
}

function memberOf(
  { hosts }: State,
  trace: Trace,
  places: ReadonlyMap<string, number>,
  begunAtMs: number,
): SwarmMember {
  const since = (atMs: number | undefined) => atMs === undefined ? undefined : Math.max(0, atMs - begunAtMs);
  const { hostname = "", ip = "" } = (hosts.get(trace.hostId)?.facts.announcement ?? {}) as Partial<Announcement>;
  return {
    ...{ peerId: trace.peerId, hostId: trace.hostId, hostname, ip, place: trace.place.name, isSeed: trace.isSeed },
    begunMs: Math.max(0, trace.begunAtMs - begunAtMs),
    startedMs: since(trace.startedAtMs),
    atSourceMs: since(trace.atSourceAtMs),
    endedMs: since(trace.endedAtMs),
    isFailed: trace.isFailed,
    tenthsMs: trace.tenthsAtMs.map((atMs) => Math.max(0, atMs - begunAtMs)),
    pieces: trace.pieces,
    pieceCount: trace.pieceCount,
    feeds: trace.feeds.entries().flatMap(([id, { sinceMs, untilMs, pieces }]) => {
      const from = places.get(id);
      // Who gave something and is forgotten cannot be drawn.
      if (from === undefined && id !== SOURCE) return [];
      return [{ from, sinceMs: sinceMs - begunAtMs, untilMs: untilMs - begunAtMs, pieces }];
    }).toArray(),
  };
}
