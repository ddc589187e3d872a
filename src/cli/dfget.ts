import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { parseDigest } from "../core/digest.ts";
import { DamselflyError, type ErrorCode, errorText } from "../core/error.ts";
import { createRpcClient } from "../rpc/client.ts";
import { Download } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService, type DownloadTaskResponse } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { durationOfMs } from "../rpc/time.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import type { DiskFile } from "../runtime/disk.ts";
import { EXIT as COMMON_EXIT } from "../runtime/main.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { dfgetCommand, type DfgetFlags, dfgetFlags } from "./dfget_command.ts";
import { formatBytes, formatMs, formatProgress } from "./format.ts";
import { StatusLine } from "./status_line.ts";

const READ_BYTES = 1024 * 1024;

/** How dfget ends (node-side.md §5). */
const EXIT = {
  ...COMMON_EXIT,
  daemonUnreachable: 3,
  originRefused: 4,
  originFailed: 5,
  digestMismatch: 6,
  timeout: 7,
} as const;

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
    terminal.printError(`dfget: ${textOf(error, flags)}\n`);
    return exitCodeOf(error);
  }
}

/** The exit code of each error; what the origin answered decides for its own. */
const EXIT_CODE: Partial<Record<ErrorCode, number>> = {
  unavailable: EXIT.daemonUnreachable,
  data_loss: EXIT.digestMismatch,
  timeout: EXIT.timeout,
};

function exitCodeOf(error: unknown): number {
  if (!(error instanceof DamselflyError)) return EXIT.failed;
  if (error.code !== "source_error") return EXIT_CODE[error.code] ?? EXIT.failed;
  const status = statusOf(error);
  return status !== undefined && status >= 400 && status < 500 ? EXIT.originRefused : EXIT.originFailed;
}

function statusOf(error: DamselflyError): number | undefined {
  return (error.details as { statusCode?: number } | undefined)?.statusCode;
}

/** What an error says to the user; what dfdaemon itself said is the `details` of its status. */
function textOf(error: unknown, { endpoint, timeout }: DfgetFlags): string {
  if (!(error instanceof DamselflyError)) return errorText(error);
  const { details } = (error.cause ?? {}) as { details?: unknown };
  const said = typeof details === "string" ? details : error.message;
  if (error.code === "timeout") return `Cannot finish within ${formatMs(timeout)}: --timeout sets another limit`;
  if (error.code !== "unavailable") return said;
  return `Cannot reach dfdaemon at ${endpoint}: ${said}; is it running? --endpoint names another socket`;
}

async function download(url: string, flags: DfgetFlags, effects: DfgetEffects, signal: AbortSignal): Promise<void> {
  const { clock, disk } = effects.runtime;
  const startedAt = clock.now();
  const output = resolve(flags.output);
  await checkOutput(output, flags, effects);
  if (await disk.stat(flags.endpoint) === undefined) {
    throw new DamselflyError("unavailable", "there is no such socket");
  }
  using client = createRpcClient(DfdaemonDownloadService, `unix:${flags.endpoint}`, { clock });
  const request = { download: downloadOf(url, output, flags) };
  using progress = new Progress(flags, effects);
  if (flags.transferFromDfdaemon !== true) {
    const isNew = await disk.stat(output) === undefined;
    let isThere = false;
    try {
      for await (const response of client.downloadTask(request, { signal })) progress.take(response);
      isThere = true;
      await checkDigest(output, flags.digest, disk);
    } catch (error) {
      // From the beginning dfdaemon puts an empty file there; a file from before stays as long as it is not replaced.
      if (isNew || isThere) await disk.remove(output);
      throw error;
    }
  } else {
    await using partial = new PartialFile(output, effects.runtime);
    const file = await partial.open();
    for await (const response of client.downloadTask(request, { signal })) {
      await writePiece(response, file);
      progress.take(response);
    }
    await checkDigest(partial.path, flags.digest, disk);
    await partial.keep();
  }
  progress[Symbol.dispose]();
  const { size = 0 } = await disk.stat(output) ?? {};
  effects.terminal.print(`${output}: ${formatBytes(size)} in ${formatMs(clock.now() - startedAt)}\n`);
}

async function checkOutput(output: string, { overwrite }: DfgetFlags, { runtime: { disk } }: DfgetEffects) {
  const parent = await disk.stat(dirname(output));
  if (parent?.isDirectory !== true) {
    throw new DamselflyError("failed_precondition", `Cannot write ${output}: its directory does not exist`);
  }
  const existing = await disk.stat(output);
  if (existing === undefined) return;
  const why = existing.isDirectory ? "it is a directory" : "it exists, and --overwrite was not given";
  if (existing.isDirectory || overwrite !== true) {
    throw new DamselflyError("already_exists", `Cannot write ${output}: ${why}`);
  }
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

async function writePiece({ response }: DownloadTaskResponse, file: DiskFile): Promise<void> {
  if (response?.$case !== "downloadPieceFinishedResponse") return;
  const { piece } = response.value;
  if (piece?.content === undefined || piece.content.length !== piece.length) {
    throw new DamselflyError("internal", "Cannot write the file: dfdaemon sent a piece without its bytes");
  }
  await file.write(piece.content, piece.offset);
}

/** Checks a file against `--digest`, which is not a part of the task's identity, so dfdaemon may know another one. */
async function checkDigest(path: string, text: string | undefined, disk: Runtime["disk"]): Promise<void> {
  if (text === undefined) return;
  const { algorithm, hex } = parseDigest(text);
  const hash = createHash(algorithm);
  const buffer = new Uint8Array(READ_BYTES);
  await using file = await disk.openFile(path);
  for (let position = 0;;) {
    const length = await file.read(buffer, position);
    if (length === 0) break;
    hash.update(buffer.subarray(0, length));
    position += length;
  }
  const actual = hash.digest("hex");
  if (actual === hex) return;
  throw new DamselflyError("data_loss", `The content has digest ${algorithm}:${actual}, not ${text}`);
}

/** A file next to the output that becomes it when it is whole; disposing it removes what is left of it. */
class PartialFile implements AsyncDisposable {
  readonly path: string;
  readonly #output: string;
  readonly #disk: Runtime["disk"];
  #file: DiskFile | undefined;

  constructor(output: string, { disk, random }: Pick<Runtime, "disk" | "random">) {
    this.#output = output;
    this.path = join(dirname(output), `.${basename(output)}.${random.uuid().slice(0, 8)}.part`);
    this.#disk = disk;
  }

  async open(): Promise<DiskFile> {
    return this.#file = await this.#disk.openFile(this.path, { create: true });
  }

  async keep(): Promise<void> {
    await this.#file?.sync();
    await this.#disk.rename(this.path, this.#output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]();
    await this.#disk.remove(this.path);
  }
}

/** Counts what has come of the pieces that were promised. */
class Progress implements Disposable {
  readonly #line: StatusLine | undefined;
  #done = 0;
  #total = 0;

  constructor({ progress }: DfgetFlags, { terminal, runtime }: DfgetEffects) {
    this.#line = progress ? new StatusLine(terminal, runtime.clock) : undefined;
  }

  take({ response }: DownloadTaskResponse): void {
    if (response?.$case === "downloadTaskStartedResponse") this.#total = response.value.contentLength;
    if (response?.$case === "downloadPieceFinishedResponse") this.#done += response.value.piece?.length ?? 0;
    this.#line?.show(() => formatProgress(this.#done, this.#total));
  }

  [Symbol.dispose](): void {
    this.#line?.[Symbol.dispose]();
  }
}
