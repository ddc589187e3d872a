/** What is in the rows and queues of Go's machinery library, which Dragonfly's jobs go through (manager-rest.md §4.4). */
import * as z from "zod";
import { DamselflyError } from "../core/error.ts";

/** The jobs that schedulers know by name. */
export type JobName = "preheat" | "get_task" | "delete_task" | "sync_peers";

/** A job on its way to one scheduler: a group of one task. */
export interface QueuedJob {
  readonly name: JobName;
  readonly queue: string;
  readonly groupUuid: string;
  readonly taskUuid: string;
  readonly createdAtMs: number;
}

/** How long rows stay. */
export const ROWS_KEPT_SECONDS = 24 * 60 * 60;
/** A row of 10,000 hosts and 20 layers has some 40 MB. */
const ROW_CHARACTERS_MAX = 64 * 1024 * 1024;
const UUID_CHARACTERS_MAX = 200;
const ARGS_MAX = 10;

/** Who a queue belongs to. */
export interface QueueOwner {
  readonly clusterId: number;
  readonly hostname: string;
  readonly ip: string;
}

/** The queue of a scheduler. */
export function queueOf({ clusterId, hostname, ip }: QueueOwner): string {
  return `scheduler_${clusterId}_${hostname}_${ip}`;
}

/** What is put into the queue; `payload` are the arguments of the job. */
export function signatureOf(job: QueuedJob, payload: Readonly<Record<string, unknown>>): string {
  const { groupUuid: group_uuid, taskUuid: task_uuid } = job;
  return JSON.stringify({
    ...{ UUID: task_uuid, Name: job.name, RoutingKey: job.queue, ETA: null, GroupUUID: group_uuid, GroupTaskCount: 1 },
    Args: [{ Name: "", Type: "string", Value: JSON.stringify({ ...payload, group_uuid, task_uuid }) }],
    ...{ Headers: {}, Priority: 0, Immutable: false, RetryCount: 0, RetryTimeout: 0 },
    ...{ OnSuccess: null, OnError: null, ChordCallback: null },
    ...{ BrokerMessageGroupId: "", SQSReceiptHandle: "" },
    ...{ StopTaskDeletionOnError: false, IgnoreWhenTaskNotRegistered: false },
  });
}

/** The row of the group: without it the scheduler's worker takes the end of a task for an error. */
export function groupRow({ groupUuid, taskUuid, createdAtMs }: QueuedJob): string {
  return JSON.stringify({
    ...{ GroupUUID: groupUuid, TaskUUIDs: [taskUuid], ChordTriggered: false, Lock: false },
    ...{ CreatedAt: new Date(createdAtMs).toISOString(), TTL: 0 },
  });
}

/** The row of a task, as its state is now; `result` of one that is over. */
export function taskRow(
  { name, taskUuid, createdAtMs }: Pick<QueuedJob, "taskUuid" | "createdAtMs"> & { readonly name: string },
  row: TaskRow,
): string {
  return JSON.stringify({
    ...{ TaskUUID: taskUuid, TaskName: name, State: row.state },
    Results: row.state === "SUCCESS" ? [{ Type: "string", Value: row.result }] : null,
    Error: row.state === "FAILURE" ? row.error : "",
    ...{ CreatedAt: new Date(createdAtMs).toISOString(), TTL: 0 },
  });
}

const TaskRow = z.object({
  State: z.enum(["PENDING", "RECEIVED", "STARTED", "RETRY", "SUCCESS", "FAILURE"]),
  Results: z.array(z.object({ Type: z.string(), Value: z.unknown() })).nullish(),
  Error: z.string().nullish(),
});

/** How far a task is. */
export type TaskRow =
  | { readonly state: "PENDING" | "RECEIVED" | "STARTED" | "RETRY" }
  | { readonly state: "SUCCESS"; readonly result: string }
  | { readonly state: "FAILURE"; readonly error: string };

/** Reads the row of a task. Fails with `internal` for what nobody writes there. */
export function parseTaskRow(text: string): TaskRow {
  const { State: state, Results: results, Error: error } = parseJson(TaskRow, text, "the state of the job");
  if (state === "FAILURE") return { state, error: error || "The scheduler does not say why" };
  if (state !== "SUCCESS") return { state };
  const result = results?.[0]?.Value;
  if (typeof result === "string") return { state, result };
  throw unreadable("the state of the job", "it has no result");
}

const Signature = z.object({
  UUID: z.string().min(1).max(UUID_CHARACTERS_MAX),
  Name: z.string().max(UUID_CHARACTERS_MAX),
  Args: z.array(z.object({ Type: z.string(), Value: z.unknown() })).max(ARGS_MAX).nullish(),
});

/** A job as it was found in a queue. */
export interface FoundJob {
  readonly taskUuid: string;
  readonly name: string;
  /** Its arguments, as JSON; `{}` when there are none. */
  readonly payload: string;
}

/** Reads what is in a queue. Fails with `internal` for what no manager puts there. */
export function parseSignature(text: string): FoundJob {
  const { UUID: taskUuid, Name: name, Args: args } = parseJson(Signature, text, "a job in the queue");
  const payload = args?.[0]?.Value ?? "{}";
  if (typeof payload === "string") return { taskUuid, name, payload };
  throw unreadable("a job in the queue", "its arguments are no text");
}

/** Checks JSON of the other side. Fails with `internal`, and quotes none of it. */
export function parseJson<T>(schema: z.ZodType<T>, text: string, what: string): T {
  if (text.length > ROW_CHARACTERS_MAX) throw unreadable(what, `it has more than ${ROW_CHARACTERS_MAX} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unreadable(what, "it is no JSON");
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  throw unreadable(what, `${issue?.path.join(".")}: ${issue?.message}`);
}

function unreadable(what: string, why: string): DamselflyError {
  return new DamselflyError("internal", `Cannot read ${what}: ${why}`);
}
