import { resolve } from "node:path";
import type { Command } from "commander";
import { DamselflyError, errorText } from "../core/error.ts";
import { formatDuration } from "../config/durations.ts";
import { createRpcClient, type RpcClient } from "../rpc/client.ts";
import type { PersistentCacheTask } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService, type DownloadPersistentCacheTaskResponse } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { StorageService } from "../rpc/gen/damselfly/v1/storage.ts";
import { durationOfMs, msOfDuration } from "../rpc/time.ts";
import { parseArguments, withCommonOptionsBelow } from "../runtime/command_line.ts";
import type { DiskFile } from "../runtime/disk.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { argumentsOfEnvironment } from "./environment.ts";
import { EXIT, exitCodeOf, failureText } from "./daemon_error.ts";
import {
  type DfcacheChoice,
  dfcacheCommand,
  dfcacheEnvironment,
  type ExportFlags,
  type ImportFlags,
} from "./dfcache_command.ts";
import { formatBytes, formatMs, formatTimestamp } from "./format.ts";
import { checkDigest, checkOutput, PartialFile, writePiece } from "./output_file.ts";
import { type FileProgress, Progress } from "./progress.ts";
import { formatTable } from "./table.ts";

/** What dfcache needs of the world. */
export interface DfcacheEffects {
  readonly runtime: Pick<Runtime, "clock" | "disk" | "random" | "env">;
  readonly terminal: Terminal;
}

type DaemonClient = RpcClient<typeof DfdaemonDownloadService>;

/** Runs dfcache with the arguments of the command line and returns the exit code. */
export async function runDfcache(
  args: readonly string[],
  effects: DfcacheEffects,
  signal: AbortSignal,
): Promise<number> {
  const { runtime: { clock }, terminal } = effects;
  const chosen: DfcacheChoice[] = [];
  const command = withCommonOptionsBelow(dfcacheCommand((choice) => chosen.push(choice)), terminal);
  const ended = parseWithEnvironment(command, args, effects);
  const [choice] = chosen;
  if (ended !== undefined || choice === undefined) return ended ?? EXIT.usage;
  using limit = clock.deadline(choice.flags.timeout);
  try {
    await run(choice, effects, AbortSignal.any([signal, limit.signal]));
    return EXIT.done;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    terminal.printError(`dfcache: ${failureText(error, choice.flags)}\n`);
    return exitCodeOf(error);
  }
}

/** As {@link parseArguments}; what the environment sets for the subcommand goes before what is typed behind it. */
function parseWithEnvironment(
  command: Command,
  args: readonly string[],
  { runtime, terminal }: DfcacheEffects,
): number | undefined {
  const [name = "", ...rest] = args;
  const subcommand = command.commands.find((child) => [child.name(), ...child.aliases()].includes(name));
  if (subcommand === undefined) return parseArguments(command, args);
  try {
    const set = argumentsOfEnvironment(subcommand, dfcacheEnvironment(subcommand.name()), (variable) => {
      return runtime.env(variable);
    });
    return parseArguments(command, [name, ...set, ...rest]);
  } catch (error) {
    terminal.printError(`error: ${errorText(error)}\n`);
    return EXIT.usage;
  }
}

async function run(choice: DfcacheChoice, effects: DfcacheEffects, signal: AbortSignal): Promise<void> {
  const { runtime: { clock, disk } } = effects;
  const { endpoint } = choice.flags;
  if (await disk.stat(endpoint) === undefined) throw new DamselflyError("unavailable", "there is no such socket");
  using client = createRpcClient(DfdaemonDownloadService, `unix:${endpoint}`, { clock });
  if (choice.name === "import") return await importFile(choice.path, choice.flags, { client, ...effects }, signal);
  if (choice.name === "export") return await exportFile(choice.id, choice.flags, { client, ...effects }, signal);
  const options = { signal, timeoutMs: choice.flags.timeout };
  if (choice.name === "remove") {
    using own = createRpcClient(StorageService, `unix:${endpoint}`, { clock });
    await own.removePersistentCacheTask({ taskId: choice.id }, options);
    return effects.terminal.print(`Task ${choice.id} is removed.\n`);
  }
  const task = await client.statPersistentCacheTask({ taskId: choice.id }, options);
  effects.terminal.print(taskTable(task));
}

interface Session extends DfcacheEffects {
  readonly client: DaemonClient;
}

async function importFile(path: string, flags: ImportFlags, session: Session, signal: AbortSignal): Promise<void> {
  const { client, runtime: { disk }, terminal } = session;
  const file = resolve(path);
  const stat = await disk.stat(file);
  if (stat?.isDirectory !== false) {
    const why = stat === undefined ? "there is no such file" : "it is a directory";
    throw new DamselflyError("invalid_argument", `Cannot import ${file}: ${why}`);
  }
  const { persistentReplicaCount, contentForCalculatingTaskId, tag, application, pieceLength, ttl, timeout } = flags;
  const task = await client.uploadPersistentCacheTask({
    ...{ path: file, persistentReplicaCount, contentForCalculatingTaskId, tag, application, pieceLength },
    ttl: durationOfMs(ttl),
    timeout: durationOfMs(timeout),
  }, { signal, timeoutMs: timeout });
  terminal.print(`${task.id}\n`);
}

async function exportFile(taskId: string, flags: ExportFlags, session: Session, signal: AbortSignal): Promise<void> {
  const { client, runtime, terminal } = session;
  const { clock, disk } = runtime;
  const startedAt = clock.now();
  const output = resolve(flags.output);
  await checkOutput(output, flags, disk);
  const needPieceContent = flags.transferFromDfdaemon === true;
  const request = {
    ...{ taskId, persistent: false, tag: flags.tag, application: flags.application, digest: flags.digest },
    timeout: durationOfMs(flags.timeout),
    needPieceContent,
    forceHardLink: flags.forceHardLink === true,
    overwrite: flags.overwrite === true,
    ...(!needPieceContent && { outputPath: output }),
  };
  const isNew = await disk.stat(output) === undefined;
  using told = new Progress(flags, terminal, clock);
  const progress = told.file();
  const responses = client.downloadPersistentCacheTask(request, { signal });
  if (needPieceContent) {
    await using partial = new PartialFile(output, runtime);
    await take(responses, progress, await partial.open());
    await checkDigest(partial.path, flags.digest, disk);
    await partial.keep();
  } else {
    await take(responses, progress).catch(async (error) => {
      // From the beginning dfdaemon puts an empty file there; a file from before stays as long as it is not replaced.
      if (isNew) await disk.remove(output);
      throw error;
    });
  }
  told[Symbol.dispose]();
  const { size = 0 } = await disk.stat(output) ?? {};
  terminal.print(`${output}: ${formatBytes(size)} in ${formatMs(clock.now() - startedAt)}\n`);
}

/** Takes what dfdaemon tells of a download, and writes the bytes that come along. */
async function take(
  responses: AsyncIterable<DownloadPersistentCacheTaskResponse>,
  progress: FileProgress,
  file?: DiskFile,
): Promise<void> {
  for await (const { response } of responses) {
    if (response?.$case === "downloadPersistentCacheTaskStartedResponse") {
      progress.started(response.value.contentLength);
    }
    if (response?.$case !== "downloadPieceFinishedResponse") continue;
    const { piece } = response.value;
    if (file !== undefined) await writePiece(piece, file);
    progress.came(piece?.length ?? 0);
  }
}

function taskTable(task: PersistentCacheTask): string {
  const { id, state, contentLength, pieceLength, persistentReplicaCount, ttl, createdAt, updatedAt } = task;
  const replicas = `${task.currentPersistentReplicaCount} of ${persistentReplicaCount}`;
  return formatTable([{
    "ID": id,
    "STATE": state,
    "CONTENT LENGTH": formatBytes(contentLength),
    "PIECE LENGTH": formatBytes(pieceLength),
    "PERSISTENT REPLICA COUNT": replicas,
    "TTL": ttl === undefined ? "-" : formatDuration(Math.round(msOfDuration(ttl))),
    "CREATED": formatTimestamp(createdAt),
    "UPDATED": formatTimestamp(updatedAt),
  }]);
}
