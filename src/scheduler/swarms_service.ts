import { ListPullsRequest } from "../rpc/gen/damselfly/v1/pulls.ts";
import type { Host as Announcement } from "../rpc/gen/common/v2/common.ts";
import {
  type FindHostResponse,
  type GetSwarmResponse,
  type SwarmCounts,
  type SwarmPlace,
  SwarmsService,
  type SwarmSummary,
} from "../rpc/gen/damselfly/v1/swarms.ts";
import { type RpcService, service } from "../rpc/service.ts";
import type { TicketGate } from "../rpc/tickets.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Answers } from "./answers.ts";
import type { Host, State, Task } from "./core/state.ts";
import type { PlaceCount, Stage, Swarm } from "./core/swarms.ts";
import type { HostCalls } from "./jobs/host_calls.ts";
import { checkName } from "./parse.ts";
import { membersOf } from "./swarm_members.ts";
import { tasksNamed } from "./tasks_named.ts";
import { known } from "./unary.ts";

const LIMIT_MAX = 1_000;

/** What the service answers from. */
export interface SwarmsServiceParts {
  readonly state: State;
  readonly answers: Pick<Answers, "timestamp" | "host">;
  readonly calls: Pick<HostCalls, "pulls">;
  readonly clock: Pick<Clock, "now">;
  readonly gate: Pick<TicketGate, "check">;
}

/** `damselfly.v1.Swarms`: who gets what from whom, for the manager alone. */
export function swarmsService({ state, answers, calls, clock, gate }: SwarmsServiceParts): RpcService {
  return service(SwarmsService, {
    listSwarms: async ({ stopped, offset, limit }, context) => {
      await gate.check(context);
      const { swarms } = state;
      // The last one that stopped comes first; those are few.
      const tasks = stopped ? [...swarms.stopped].reverse() : swarms.moving;
      const page = tasks.values().drop(offset).take(Math.min(limit, LIMIT_MAX));
      const total = stopped ? swarms.stopped.size : swarms.moving.size;
      return { swarms: [...page].map((task) => summaryOf(task, answers)), total };
    },
    getSwarm: async ({ name }, context) => {
      await gate.check(context);
      const [task] = tasksNamed(state, checkName(name, "name"));
      return swarmOf(state, known(task, `task ${name}`), { answers, nowMs: clock.now() });
    },
    findHost: async ({ name }, context) => {
      await gate.check(context);
      return hostOf(known(hostNamed(state, checkName(name, "name")), `host ${name}`));
    },
    listPullsOfHost: async ({ hostId, ticket, pulls }, context) => {
      await gate.check(context);
      const host = answers.host(known(state.hosts.get(hostId), `host ${hostId}`));
      return await calls.pulls(host, { ticket, request: pulls ?? ListPullsRequest.create() }, context.signal);
    },
  });
}

function summaryOf({ facts, contentLength, swarm }: Task, answers: Pick<Answers, "timestamp">): SwarmSummary {
  return {
    taskId: facts.id,
    url: facts.url,
    digest: facts.digest ?? "",
    contentLength: contentLength ?? 0,
    counts: countsOf(swarm.counts),
    since: answers.timestamp(swarm.sinceMs),
  };
}

function countsOf({ waiting, downloading, atSource, done, failed }: Readonly<Record<Stage, number>>): SwarmCounts {
  return { waiting, downloading, atSource, done, failed };
}

function swarmOf(
  state: State,
  task: Task,
  { answers, nowMs }: { readonly answers: Pick<Answers, "timestamp">; readonly nowMs: number },
): GetSwarmResponse {
  const begunAtMs = task.swarm.told[0]?.begunAtMs ?? nowMs;
  const members = membersOf(state, task, begunAtMs);
  const isKnown = ({ peerId }: { readonly peerId: string }) => task.peers.has(peerId);
  return {
    swarm: summaryOf(task, answers),
    members,
    others: task.peers.size - members.filter(isKnown).length,
    places: placesOf(task.swarm),
    begunAt: answers.timestamp(begunAtMs),
    nowMs: nowMs - begunAtMs,
  };
}

function placesOf({ places }: Swarm): SwarmPlace[] {
  const all = [...places.values()];
  const index = new Map(all.map((place, at) => [place, at]));
  const flowOf = ([place, pieces]: readonly [PlaceCount | undefined, number]) => ({
    from: place && index.get(place),
    pieces,
  });
  return all.map(({ name, counts, flows }) => ({ name, counts: countsOf(counts), flows: [...flows].map(flowOf) }));
}

/** A host by its id, or else the first of that name or address. */
function hostNamed({ hosts }: State, name: string): Host | undefined {
  return hosts.get(name) ?? hosts.values().find((host) => {
    const { hostname, ip } = announcementOf(host);
    return hostname === name || ip === name;
  });
}

function hostOf(host: Host): FindHostResponse {
  const { hostname, ip } = announcementOf(host);
  return { hostId: host.facts.id, hostname, ip };
}

function announcementOf({ facts }: Host): Announcement {
  return facts.announcement as Announcement;
}
