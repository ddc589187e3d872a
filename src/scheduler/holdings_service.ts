import { DamselflyError, errorText } from "../core/error.ts";
import { type HeldTask, HoldingsService } from "../rpc/gen/damselfly/v1/holdings.ts";
import { type RpcService, service } from "../rpc/service.ts";
import { durationOfMs } from "../rpc/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Host } from "./core/state.ts";
import type { SchedulerLoop } from "./loop.ts";
import { check, checkName, parseRegistration } from "./parse.ts";
import type { SchedulerMetrics } from "./scheduler_metrics.ts";
import { answering, known } from "./unary.ts";

/** Tasks that one call tells: with all that is checked of them a few milliseconds, in which nobody else is heard. */
const BATCH_TASKS_MAX = 100;
/** Tasks that all hosts together tell in a second; that leaves most of a core to pulls. */
const TASKS_PER_SECOND = 20_000;
/** The longest pause that a host is asked for. */
const PAUSE_MS_MAX = 30_000;
const MS_PER_SECOND = 1_000;
/** The stream of a peer that was told of, to which nobody listens. Streams of calls count from 1. */
const NO_STREAM = 0;

/** What the service works with. */
export interface HoldingsParts {
  readonly loop: SchedulerLoop;
  readonly metrics: Pick<SchedulerMetrics, "peerStep">;
  readonly clock: Pick<Clock, "now">;
}

/** `damselfly.v1.Holdings`: what hosts hold, at the pace of the scheduler and not of them all. */
export function holdingsService({ loop, metrics, clock }: HoldingsParts): RpcService {
  const turns = new Turns();
  return service(HoldingsService, {
    tellTasks: answering(({ hostId, tasks, leftCount }) => {
      const host = known(loop.state.hosts.get(checkName(hostId, "host_id")), `host ${hostId}`);
      check(tasks.length <= BATCH_TASKS_MAX, "tasks", `at most ${BATCH_TASKS_MAX}`);
      const refusals: string[] = [];
      for (const task of tasks) {
        try {
          learn({ loop, metrics }, host, task);
        } catch (error) {
          refusals.push(errorText(error));
        }
      }
      const count = Math.min(leftCount, BATCH_TASKS_MAX);
      const pause = durationOfMs(turns.reserve(count, clock.now()));
      return { pause, count, refusedCount: refusals.length, refusal: refusals[0] ?? "" };
    }),
  });
}

/** Notes that a host has a task, unless that is known. Throws why it cannot be noted. */
function learn({ loop, metrics }: Omit<HoldingsParts, "clock">, host: Host, { taskId, peerId, download }: HeldTask) {
  const { state } = loop;
  const value = { download: download && { ...download, metadataOnly: true } };
  const message = { hostId: host.facts.id, taskId, peerId, request: { $case: "registerPeerRequest", value } } as const;
  const registration = parseRegistration(message, state.settings.applications);
  const task = state.tasks.get(taskId);
  const ofHost = task === undefined ? undefined : host.peersByTask.get(task);
  if (ofHost?.some((peer) => peer.state === "Succeeded") === true) return;
  loop.dispatch({ ...registration, streamId: NO_STREAM });
  const peer = state.peers.get(peerId);
  if (peer?.streamId !== NO_STREAM) {
    throw new DamselflyError("resource_exhausted", `Cannot take task ${taskId}: host ${host.facts.id} has its share`);
  }
  metrics.peerStep("register_peer", peer);
  loop.dispatch({ type: "finished", peerId, streamId: NO_STREAM });
}

/** One turn after the other, each as long as it needs for its tasks. */
class Turns {
  #freeAtMs = 0;

  /** How long to wait for a turn of `count` tasks. */
  reserve(count: number, nowMs: number): number {
    const atMs = Math.min(Math.max(nowMs, this.#freeAtMs), nowMs + PAUSE_MS_MAX);
    this.#freeAtMs = atMs + count / TASKS_PER_SECOND * MS_PER_SECOND;
    return atMs - nowMs;
  }
}
