import {
  type CacheTaskShare,
  CacheTasksService,
  type GetCacheTaskResponse,
  type ListCacheTasksRequest,
} from "../rpc/gen/damselfly/v1/cache_tasks.ts";
import { type RpcService, service } from "../rpc/service.ts";
import type { TicketGate } from "../rpc/tickets.ts";
import type { Answers } from "./answers.ts";
import { type CacheState, type CacheTask, copiesOf } from "./cache/state.ts";
import { CacheAnswers } from "./cache_answers.ts";
import { checkName } from "./parse.ts";
import { known } from "./unary.ts";

const LIMIT_MAX = 2_000;
const SHARES_MAX = 1_000;
const PEERS_MAX = 1_000;

/** What the service answers from. */
export interface CacheTasksServiceParts {
  readonly state: CacheState;
  readonly answers: Answers;
  readonly gate: Pick<TicketGate, "check">;
}

/** `damselfly.v1.CacheTasks`: what is in the persistent cache, for the manager alone. */
export function cacheTasksService({ state, gate, ...parts }: CacheTasksServiceParts): RpcService {
  const answers = new CacheAnswers(state, parts.answers);
  return service(CacheTasksService, {
    listCacheTasks: async (request, context) => {
      await gate.check(context);
      const found = [...state.tasks.values()].filter((task) => fits(task, request));
      // An import that began again is in its old place.
      found.reverse().sort((a, b) => b.createdAtMs - a.createdAtMs);
      const page = found.slice(0, Math.min(request.limit, LIMIT_MAX));
      return { tasks: page.map((task) => answers.task(task)), total: found.length };
    },
    countCacheTasks: async (_, context) => {
      await gate.check(context);
      return { shares: sharesOf(state) };
    },
    getCacheTask: async ({ taskId }, context) => {
      await gate.check(context);
      const task = known(state.tasks.get(checkName(taskId, "task_id")), `task ${taskId} of the persistent cache`);
      return { task: answers.task(task), peers: peersOf(task) };
    },
  });

  function peersOf(task: CacheTask): GetCacheTaskResponse["peers"] {
    const copies = copiesOf(state, task).take(PEERS_MAX).map((peer) => answers.copy(peer));
    if (task.state !== "Uploading") return [...copies];
    return [{ ...answers.importer(task), task: undefined }, ...copies];
  }
}

function fits({ facts, state }: CacheTask, wanted: ListCacheTasksRequest): boolean {
  return (wanted.state === "" || wanted.state === state) &&
    (wanted.application === "" || wanted.application === facts.application) &&
    (wanted.tag === "" || wanted.tag === facts.tag);
}

function sharesOf({ tasks }: CacheState): CacheTaskShare[] {
  const shares = new Map<string, CacheTaskShare>();
  for (const { facts: { application = "", tag = "", contentLength } } of tasks.values()) {
    const key = JSON.stringify([application, tag]);
    const share = shares.get(key) ?? { application, tag, count: 0, contentLength: 0 };
    share.count += 1;
    share.contentLength += contentLength;
    shares.set(key, share);
  }
  return [...shares.values()].sort((a, b) => b.contentLength - a.contentLength).slice(0, SHARES_MAX);
}
