import { DamselflyError, errorText } from "../../core/error.ts";
import { type RpcClient } from "../../rpc/client.ts";
import { type Download, Priority, TaskType } from "../../rpc/gen/common/v2/common.ts";
import { type HoldingsService, type TellTasksRequest } from "../../rpc/gen/damselfly/v1/holdings.ts";
import { msOfDuration } from "../../rpc/time.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { HeldTask } from "./control.ts";

/** Tasks told again, the youngest of those given. */
const TOLD_TASKS_MAX = 10_000;
const TELL_TIMEOUT_MS = 10_000;
/** How often a scheduler is told the same part before it is given up, and the pause between. */
const TELL_TRIES_MAX = 3;
const RETRY_PAUSE_MS = 1_000;
/** The longest pause that is kept, whatever a scheduler asks for. */
const PAUSE_MS_MAX = 60_000;
/** Between two tasks that are told to a scheduler that gives no turns. */
const TELL_PAUSE_MS = 20;

/** Who tells it, and to whom. */
export interface TellParts {
  readonly hostId: string;
  readonly holdings: RpcClient<typeof HoldingsService>;
  readonly clock: Clock;
  readonly log: Log;
  /** A new id for a peer of this host. */
  readonly peerId: () => string;
  /** Whether the scheduler is still the one of a task. */
  readonly isTasks: (taskId: string) => boolean;
  /** Tells of one task as stock peers do. */
  readonly announceTask: (task: HeldTask) => Promise<void>;
}

/**
 * Tells a scheduler which tasks this host has all of. One of our make says when, and of how many at a time, so that very
 * many hosts can do it at once; another one is told of each in a call of its own.
 */
export async function tellHeld(parts: TellParts, held: readonly HeldTask[], signal: AbortSignal): Promise<void> {
  const tasks = held.slice(0, TOLD_TASKS_MAX).filter(({ taskId }) => parts.isTasks(taskId));
  if (tasks.length === 0) return;
  const told = await tellInTurns(parts, tasks, signal) ?? await tellOneByOne(parts, tasks, signal);
  if (told > 0) parts.log.info("A scheduler was told what this host has", { tasks: told });
}

/** How many were told; undefined when the scheduler gives no turns. */
async function tellInTurns(parts: TellParts, tasks: readonly HeldTask[], signal: AbortSignal) {
  const { clock, hostId } = parts;
  let told = 0;
  let turn = await askForTurn(parts, { hostId, tasks: [], leftCount: tasks.length }, signal);
  for (let place = 0; turn !== undefined && place < tasks.length;) {
    await clock.sleep(Math.min(msOfDuration(turn.pause ?? { seconds: 0, nanos: 0 }), PAUSE_MS_MAX), signal);
    const part = tasks.slice(place, place + Math.max(1, turn.count));
    place += part.length;
    const wanted = part.filter(({ taskId }) => parts.isTasks(taskId));
    const messages = wanted.map((task) => ({
      taskId: task.taskId,
      peerId: parts.peerId(),
      download: heldDownload(task),
    }));
    turn = await askForTurn(parts, { hostId, tasks: messages, leftCount: tasks.length - place }, signal);
    told += wanted.length - (turn?.refusedCount ?? 0);
    if (turn !== undefined && turn.refusedCount > 0) {
      const { refusedCount, refusal } = turn;
      parts.log.debug("A scheduler did not take all tasks that it was told of", { refusedCount, refusal });
    }
  }
  return turn === undefined ? undefined : told;
}

/** Tells one part, again if the call fails; what was heard though the answer was lost is known to the scheduler then. */
async function askForTurn({ holdings, clock, log }: TellParts, request: TellTasksRequest, signal: AbortSignal) {
  for (let tries = 1;; tries++) {
    try {
      return await holdings.tellTasks(request, { signal, timeoutMs: TELL_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DamselflyError && error.code === "unimplemented") return undefined;
      if (tries >= TELL_TRIES_MAX) throw error;
      log.debug("A scheduler did not take what it was told, and is told again", { error: errorText(error) });
    }
    await clock.sleep(RETRY_PAUSE_MS, signal);
  }
}

async function tellOneByOne(parts: TellParts, tasks: readonly HeldTask[], signal: AbortSignal): Promise<number> {
  let told = 0;
  for (const task of tasks) {
    signal.throwIfAborted();
    if (!parts.isTasks(task.taskId)) continue;
    try {
      await parts.announceTask(task);
      told++;
    } catch (error) {
      signal.throwIfAborted();
      parts.log.debug("A scheduler was not told of a task", { taskId: task.taskId, error: errorText(error) });
    }
    await parts.clock.sleep(TELL_PAUSE_MS, signal);
  }
  return told;
}

/** The registration of a task that a host has all of. */
export function heldDownload({ url, plan, digest }: HeldTask): Download {
  return {
    url,
    digest: digest?.text,
    type: TaskType.STANDARD,
    priority: Priority.LEVEL6,
    filteredQueryParams: [],
    requestHeader: {},
    disableBackToSource: false,
    needBackToSource: false,
    certificateChain: [],
    prefetch: false,
    isPrefetch: false,
    needPieceContent: false,
    forceHardLink: false,
    overwrite: false,
    actualPieceLength: plan.pieceLength,
    actualContentLength: plan.contentLength,
    actualPieceCount: plan.pieceCount,
    enableTaskIdBasedBlobDigest: false,
    metadataOnly: true,
  };
}
