import { DamselflyError } from "../../core/error.ts";
import {
  type AnswerExplanation,
  type ConsideredPeer,
  ExplanationsService,
  type TaskExplanation,
} from "../../rpc/gen/damselfly/v1/explanations.ts";
import { formatBytes, formatTimestamp } from "../format.ts";
import { formatFields, formatTable } from "../table.ts";
import { type ShowFlags, showJson } from "./answers.ts";
import type { Context } from "./context.ts";
import { type SchedulerFlags, withScheduler } from "./with_scheduler.ts";

/** What {@link explainByScheduler} goes by. */
export interface SchedulerExplainFlags extends ShowFlags, SchedulerFlags {
  /** Only answers to peers of this host: its id, its host name, or a part of them that is its address. */
  readonly host?: string;
}

/** Prints why a scheduler gave the peers of a task the parents that it gave them. */
export async function explainByScheduler(context: Context, name: string, flags: SchedulerExplainFlags): Promise<void> {
  const { terminal } = context;
  const { host } = flags;
  const { tasks } = await ask(context, name, flags);
  const isOf = ({ peerId, hostId }: AnswerExplanation) =>
    host === undefined || hostId.includes(host) || peerId.includes(host);
  const shown = tasks.map((task) => ({ ...task, answers: task.answers.filter(isOf) }));
  if (flags.json === true) return showJson(terminal, shown.map(taskJson));
  for (const [index, task] of shown.entries()) {
    if (index > 0) terminal.print("\n");
    printTask(context, task);
  }
}

async function ask(context: Context, name: string, flags: SchedulerFlags) {
  try {
    return await withScheduler(context, { ...flags, service: ExplanationsService }, (client, options) => {
      return client.explainTask({ name }, options);
    });
  } catch (error) {
    if (!(error instanceof DamselflyError) || error.code !== "unimplemented") throw error;
    const what = "This scheduler does not explain itself: it is Dragonfly's, or of an older version";
    throw new DamselflyError("unimplemented", what, { cause: error });
  }
}

function printTask({ terminal }: Context, task: TaskExplanation): void {
  terminal.print(formatFields({
    "TASK": task.taskId,
    "URL": task.url || "-",
    "STATE": task.state,
    "PEERS": `${task.peerCount}: ${task.rootCount} have or fetch all of it, ${task.waitingCount} wait, ` +
      `${task.fetchingCount} were sent to the source`,
  }));
  if (task.answers.length === 0) terminal.printError("No answer to a peer of it is remembered.\n");
  for (const answer of task.answers) {
    terminal.print(`\n${formatTimestamp(answer.at)}   ${heading(answer)}\n`);
    const { considered, othersCount } = answer;
    if (considered.length > 0) terminal.print(formatTable(considered.map(rowOf), terminal.columns));
    if (othersCount > 0) terminal.print(`${othersCount} more were looked at.\n`);
  }
}

function heading({ peerId, hostId, outcome, reason }: AnswerExplanation): string {
  return `${peerId} on ${hostId}: ${outcome.replaceAll("_", " ")}${reason === "" ? "" : `, for ${reason}`}`;
}

function rowOf({ peerId, hostId, rejection, near, score, uploadCount, bytesPerSecond }: ConsideredPeer) {
  return {
    "PEER": peerId,
    "HOST": hostId,
    "VERDICT": rejection === "" ? "parent" : rejection.replaceAll("_", " "),
    "NEAR": near === undefined ? "-" : String(near),
    "SCORE": score === undefined ? "-" : score.toFixed(2),
    "CHILDREN": String(uploadCount),
    "SPEED": bytesPerSecond === 0 ? "-" : `${formatBytes(bytesPerSecond)}/s`,
  };
}

function taskJson({ taskId, url, state, answers, ...counts }: TaskExplanation) {
  return {
    ...{ task_id: taskId, url, state, peer_count: counts.peerCount, root_count: counts.rootCount },
    ...{ waiting_count: counts.waitingCount, fetching_count: counts.fetchingCount },
    answers: answers.map(({ at, peerId, hostId, outcome, reason, considered, othersCount }) => ({
      ...{ at: formatTimestamp(at), peer_id: peerId, host_id: hostId, outcome, reason },
      considered: considered.map(consideredJson),
      others_count: othersCount,
    })),
  };
}

function consideredJson(peer: ConsideredPeer) {
  return {
    ...{ peer_id: peer.peerId, host_id: peer.hostId, rejection: peer.rejection === "" ? null : peer.rejection },
    ...{ near: peer.near ?? null, score: peer.score ?? null },
    ...{ upload_count: peer.uploadCount, bytes_per_second: peer.bytesPerSecond },
  };
}
