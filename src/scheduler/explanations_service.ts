import { DamselflyError } from "../core/error.ts";
import {
  type AnswerExplanation,
  ExplanationsService,
  type TaskExplanation,
} from "../rpc/gen/damselfly/v1/explanations.ts";
import { type RpcService, service } from "../rpc/service.ts";
import type { Answers } from "./answers.ts";
import type { Explanation } from "./core/explanations.ts";
import type { State, Task } from "./core/state.ts";
import { checkName } from "./parse.ts";
import { tasksNamed } from "./tasks_named.ts";
import { answering } from "./unary.ts";

const MS_PER_SECOND = 1_000;

/** `damselfly.v1.Explanations`: why peers were answered as they were. */
export function explanationsService(state: State, answers: Pick<Answers, "timestamp">): RpcService {
  return service(ExplanationsService, {
    explainTask: answering(({ name }) => {
      const tasks = tasksNamed(state, checkName(name, "name"));
      if (tasks.length === 0) {
        throw new DamselflyError("not_found", `Cannot explain ${name}: this scheduler knows no task of that name`);
      }
      return { tasks: tasks.map((task) => explained(state, task, answers)) };
    }),
  });
}

function explained({ explanations }: State, task: Task, answers: Pick<Answers, "timestamp">): TaskExplanation {
  return {
    taskId: task.facts.id,
    url: task.facts.url,
    state: task.state,
    peerCount: task.peers.size,
    rootCount: task.roots.size,
    waitingCount: task.waiters.size,
    fetchingCount: task.fetchers.size,
    answers: explanations.of(task).map((explanation) => answerOf(explanation, answers)),
  };
}

function answerOf({ atMs, considered, others, ...said }: Explanation, answers: Pick<Answers, "timestamp">) {
  return {
    ...said,
    at: answers.timestamp(atMs),
    considered: considered.map(({ peerId, hostId, rejection, near, score, uploads, bytesPerMs }) => ({
      ...{ peerId, hostId, near, score },
      rejection: rejection ?? "",
      uploadCount: uploads,
      bytesPerSecond: Math.round(bytesPerMs * MS_PER_SECOND),
    })),
    othersCount: others,
  } satisfies AnswerExplanation;
}
