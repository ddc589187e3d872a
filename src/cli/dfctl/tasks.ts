import { Argument, type Command } from "commander";
import { formatDuration } from "../../config/durations.ts";
import { DamselflyError } from "../../core/error.ts";
import type { Task } from "../../rpc/gen/common/v2/common.ts";
import {
  DfdaemonDownloadService,
  type StatLocalPersistentCacheTaskResponse,
  type StatLocalTaskResponse,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Timestamp } from "../../rpc/gen/google/protobuf/timestamp.ts";
import { msOfDuration, msOfTimestamp } from "../../rpc/time.ts";
import { checked } from "../../runtime/command_line.ts";
import { formatBytes } from "../format.ts";
import { formatFields, formatTable } from "../table.ts";
import { sayDone, type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { noun, verb } from "./leaf.ts";
import { schedulerPreheatCommand } from "./scheduler_preheat.ts";
import { taskJobCommands } from "./task_jobs.ts";
import { type DaemonFlags, withDaemon, withDaemonOptions } from "./with_daemon.ts";

type Flags = ShowFlags & DaemonFlags;

function asked<F>(flags: F) {
  return { ...flags, service: DfdaemonDownloadService };
}

/** `task list|show|remove|preheat`, `persistent-cache-task list` and `persistent-task list` (node-side.md §5.4). */
export function taskCommands(choose: Choose): Command[] {
  const id = () => new Argument("<id>", "task id").argParser(checked(checkTaskId));
  const list = withDaemonOptions(verb("list", "Lists the tasks that this host holds.").alias("ls"));
  const show = withDaemonOptions(verb("show", "Shows a task that this host holds.").alias("stat")).addArgument(id());
  const remove = withDaemonOptions(verb("remove", "Removes a task from this host.").alias("rm")).addArgument(id());
  const copies = withDaemonOptions(verb("list", "Lists what this host holds of the persistent cache.").alias("ls"));
  const persistent = withDaemonOptions(verb("list", "Lists the persistent tasks that this host holds.").alias("ls"));
  return [
    noun("task", "Contents: those of this host, and of whole clusters.", [
      list.action((flags: Flags) => choose((context) => listTasks(context, flags))),
      show.action((taskId: string, flags: Flags) => choose((context) => showTask(context, taskId, flags))),
      remove.action((taskId: string, flags: Flags) => choose((context) => removeTask(context, taskId, flags))),
      ...taskJobCommands(choose),
      schedulerPreheatCommand(choose),
    ]),
    noun("persistent-cache-task", "Files that dfcache imported.", [
      copies.action((flags: Flags) => choose((context) => listCopies(context, flags))),
    ]),
    noun("persistent-task", "Files of Dragonfly's dfstore.", [
      persistent.action((flags: Flags) => choose((context) => listPersistentTasks(context, flags))),
    ]),
  ];
}

async function listTasks(context: Context, flags: Flags): Promise<void> {
  const { tasks } = await withDaemon(context, asked(flags), (client, options) => client.listLocalTasks({}, options));
  showStored(context, flags, tasks.map(taskJson));
}

async function listCopies(context: Context, flags: Flags): Promise<void> {
  const { tasks } = await withDaemon(context, asked(flags), (client, options) => {
    return client.listLocalPersistentCacheTasks({}, options);
  });
  showStored(context, flags, tasks.map(copyJson));
}

/** Our dfdaemon has none of them and says so; Dragonfly's may have. */
async function listPersistentTasks(context: Context, flags: Flags): Promise<void> {
  const { tasks } = await withDaemon(
    context,
    asked(flags),
    (client, options) => client.listLocalPersistentTasks({}, options),
  );
  showStored(context, flags, tasks.map(copyJson));
}

async function showTask(context: Context, taskId: string, { json, ...flags }: Flags): Promise<void> {
  const [task, local] = await withDaemon(context, asked(flags), async (client, options) => [
    await client.statTask({ taskId }, options),
    await client.statLocalTask({ taskId }, options),
  ]);
  const shown = { ...taskJson(local), ...contentJson(task) };
  if (json === true) return showJson(context.terminal, shown);
  context.terminal.print(formatFields({
    ...storedRow(shown),
    "URL": shown.url || "-",
    "DIGEST": shown.digest ?? "-",
    "STATE": shown.state,
    "PIECES": `${shown.finished_piece_count} of ${shown.piece_count}`,
  }));
}

async function removeTask(context: Context, taskId: string, flags: Flags): Promise<void> {
  await withDaemon(context, asked(flags), async (client, options) => {
    // Removing what is not there is no failure for dfdaemon, but for who has a typing error in his id.
    await client.statLocalTask({ taskId }, options);
    await client.deleteLocalTask({ taskId }, options);
  });
  sayDone(context, flags, `Task ${taskId} is removed.`);
}

/** A content on the disk of this host, as `--json` prints it; lengths in bytes. */
interface StoredJson {
  readonly id: string;
  readonly piece_length: number | null;
  readonly content_length: number | null;
  readonly created_at: string | null;
  readonly finished_at: string | null;
  readonly failed_at: string | null;
  readonly updated_at: string | null;
  readonly persistent?: boolean;
  /** Milliseconds. */
  readonly ttl_ms?: number;
}

function taskJson(task: Omit<StatLocalTaskResponse, "responseHeader" | "prefetchedAt">): StoredJson {
  const { taskId, pieceLength, contentLength, createdAt, finishedAt, failedAt, updatedAt } = task;
  return {
    id: taskId,
    piece_length: pieceLength ?? null,
    content_length: contentLength ?? null,
    created_at: timeJson(createdAt),
    finished_at: timeJson(finishedAt),
    failed_at: timeJson(failedAt),
    updated_at: timeJson(updatedAt),
  };
}

function copyJson(task: StatLocalPersistentCacheTaskResponse): StoredJson {
  const { persistent, ttl } = task;
  return { ...taskJson(task), persistent, ttl_ms: ttl === undefined ? 0 : Math.round(msOfDuration(ttl)) };
}

function contentJson({ url, digest, state, pieceCount, pieces }: Task) {
  return { url, digest: digest ?? null, state, piece_count: pieceCount ?? 0, finished_piece_count: pieces.length };
}

function timeJson(time: Timestamp | undefined): string | null {
  return time === undefined ? null : new Date(Math.round(msOfTimestamp(time))).toISOString();
}

function showStored({ terminal }: Context, { json }: ShowFlags, tasks: readonly StoredJson[]): void {
  if (json === true) return showJson(terminal, tasks);
  if (tasks.length === 0) return terminal.printError("There are none.\n");
  terminal.print(formatTable(tasks.map(storedRow), terminal.columns));
}

/** The columns of Dragonfly's dfctl. */
function storedRow(task: StoredJson) {
  const time = (text: string | null) => text === null ? "-" : text.replace(/\.\d+Z$/, "Z");
  const bytes = (length: number | null) => length === null ? "-" : formatBytes(length);
  return {
    "ID": task.id,
    ...task.persistent === undefined ? {} : { "PERSISTENT": task.persistent ? "yes" : "no" },
    ...task.ttl_ms === undefined ? {} : { "TTL": formatDuration(task.ttl_ms) },
    "PIECE LENGTH": bytes(task.piece_length),
    "CONTENT LENGTH": bytes(task.content_length),
    "CREATED": time(task.created_at),
    "FINISHED": time(task.finished_at),
    "FAILED": time(task.failed_at),
    "UPDATED": time(task.updated_at),
  };
}

function checkTaskId(text: string): string {
  if (/^[\w-]{1,256}$/.test(text)) return text;
  throw new DamselflyError("invalid_argument", "expected a task id, as dfctl task list shows them");
}
