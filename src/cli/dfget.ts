import { resolve } from "node:path";
import { DamselflyError } from "../core/error.ts";
import { createRpcClient } from "../rpc/client.ts";
import { Download } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService, type DownloadTaskResponse } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { durationOfMs } from "../rpc/time.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { EXIT, exitCodeOf, failureText } from "./daemon_error.ts";
import { dfgetCommand, type DfgetFlags, dfgetFlags } from "./dfget_command.ts";
import { formatBytes, formatMs } from "./format.ts";
import { checkDigest, checkOutput, PartialFile, writePiece } from "./output_file.ts";
import { Progress } from "./progress.ts";

/** What dfget needs of the world. */
export interface DfgetEffects {
  readonly runtime: Pick<Runtime, "clock" | "disk" | "random">;
  readonly terminal: Terminal;
}

/** Runs dfget with the arguments of the command line and returns the exit code. */
export async function runDfget(args: readonly string[], effects: DfgetEffects, signal: AbortSignal): Promise<number> {
  const { terminal } = effects;
  const command = withCommonOptions(dfgetCommand(), terminal);
  const ended = parseArguments(command, args);
  if (ended !== undefined) return ended;
  const flags = dfgetFlags(command);
  if (typeof flags === "string") {
    terminal.printError(`error: ${flags}\n`);
    return EXIT.usage;
  }
  using limit = effects.runtime.clock.deadline(flags.timeout);
  try {
    await download(command.processedArgs[0] as string, flags, effects, AbortSignal.any([signal, limit.signal]));
    return EXIT.done;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    terminal.printError(`dfget: ${failureText(error, flags)}\n`);
    return exitCodeOf(error);
  }
}

async function download(url: string, flags: DfgetFlags, effects: DfgetEffects, signal: AbortSignal): Promise<void> {
  const { runtime: { clock, disk }, terminal } = effects;
  const startedAt = clock.now();
  const output = resolve(flags.output);
  await checkOutput(output, flags, disk);
  if (await disk.stat(flags.endpoint) === undefined) {
    throw new DamselflyError("unavailable", "there is no such socket");
  }
  using client = createRpcClient(DfdaemonDownloadService, `unix:${flags.endpoint}`, { clock });
  const request = { download: downloadOf(url, output, flags) };
  using progress = new Progress(flags, terminal, clock);
  if (flags.transferFromDfdaemon !== true) {
    const isNew = await disk.stat(output) === undefined;
    let isThere = false;
    try {
      for await (const { response } of client.downloadTask(request, { signal })) take(response, progress);
      isThere = true;
      // It is not a part of the task's identity, so dfdaemon may know another one.
      await checkDigest(output, flags.digest, disk);
    } catch (error) {
      // From the beginning dfdaemon puts an empty file there; a file from before stays as long as it is not replaced.
      if (isNew || isThere) await disk.remove(output);
      throw error;
    }
  } else {
    await using partial = new PartialFile(output, effects.runtime);
    const file = await partial.open();
    for await (const { response } of client.downloadTask(request, { signal })) {
      if (response?.$case === "downloadPieceFinishedResponse") await writePiece(response.value.piece, file);
      take(response, progress);
    }
    await checkDigest(partial.path, flags.digest, disk);
    await partial.keep();
  }
  progress[Symbol.dispose]();
  const { size = 0 } = await disk.stat(output) ?? {};
  terminal.print(`${output}: ${formatBytes(size)} in ${formatMs(clock.now() - startedAt)}\n`);
}

function take(response: DownloadTaskResponse["response"], progress: Progress): void {
  if (response?.$case === "downloadTaskStartedResponse") progress.started(response.value.contentLength);
  if (response?.$case === "downloadPieceFinishedResponse") progress.came(response.value.piece?.length ?? 0);
}

function downloadOf(url: string, output: string, flags: DfgetFlags): Download {
  const isTransfer = flags.transferFromDfdaemon === true;
  return Download.fromPartial({
    url,
    digest: flags.digest,
    tag: flags.tag,
    application: flags.application,
    priority: flags.priority,
    filteredQueryParams: [...flags.filteredQueryParam],
    requestHeader: { ...flags.header },
    pieceLength: flags.pieceLength,
    timeout: durationOfMs(flags.timeout),
    disableBackToSource: flags.disableBackToSource === true,
    needPieceContent: isTransfer,
    overwrite: flags.overwrite === true,
    ...(isTransfer ? {} : { outputPath: output }),
  });
}
