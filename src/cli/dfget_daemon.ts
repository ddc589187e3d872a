import { DamselflyError } from "../core/error.ts";
import type { SourceEntry } from "../peer/source/source.ts";
import { createRpcClient, type RpcClient } from "../rpc/client.ts";
import { Download } from "../rpc/gen/common/v2/common.ts";
import {
  DfdaemonDownloadService,
  type DownloadTaskResponse,
  type DownloadTaskStartedResponse,
} from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { durationOfMs } from "../rpc/time.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { DfgetPlan } from "./dfget_plan.ts";
import { storageMessage } from "./dfget_storage.ts";
import type { WantedFile, Way } from "./dfget_way.ts";
import { checkDigest, PartialFile, writePiece } from "./output_file.ts";
import type { FileProgress } from "./progress.ts";

/** For the list of a directory. */
const LIST_TIMEOUT_MS = 60_000;

type Client = RpcClient<typeof DfdaemonDownloadService> & Disposable;

/** Through the dfdaemon of this host. What it throws is `unavailable` when that is not there. */
export class DaemonWay implements Way, Disposable {
  readonly #plan: DfgetPlan;
  readonly #runtime: Pick<Runtime, "clock" | "disk" | "random">;
  #opened: Client | undefined;

  constructor(plan: DfgetPlan, runtime: Pick<Runtime, "clock" | "disk" | "random">) {
    this.#plan = plan;
    this.#runtime = runtime;
  }

  async fetch(file: WantedFile, progress: FileProgress, signal: AbortSignal): Promise<void> {
    const client = await this.#client();
    const responses = client.downloadTask({ download: downloadOf(file, this.#plan) }, { signal });
    if (this.#plan.transferFromDfdaemon === true) return await this.#transfer(file.output, responses, progress);
    const { disk } = this.#runtime;
    const isNew = await disk.stat(file.output) === undefined;
    let isThere = false;
    try {
      for await (const { response } of responses) take(response, progress);
      isThere = true;
      // It is not a part of the task's identity, so dfdaemon may know another one.
      await checkDigest(file.output, this.#plan.digest, disk);
    } catch (error) {
      // From the beginning dfdaemon puts an empty file there; a file from before stays as long as it is not replaced.
      if (isNew || isThere) await disk.remove(file.output);
      throw error;
    }
  }

  async list(url: string, signal: AbortSignal): Promise<readonly SourceEntry[]> {
    const { header, access, timeout } = this.#plan;
    const timeoutMs = Math.min(timeout, LIST_TIMEOUT_MS);
    const client = await this.#client();
    const { entries } = await client.listTaskEntries({
      ...{ taskId: "", url, requestHeader: { ...header }, timeout: durationOfMs(timeoutMs), certificateChain: [] },
      ...(access !== undefined && { objectStorage: storageMessage(access, this.#plan) }),
    }, { signal, timeoutMs });
    return entries.map(({ url, contentLength, isDir }) => ({ url, contentLength, isDirectory: isDir }));
  }

  [Symbol.dispose](): void {
    this.#opened?.[Symbol.dispose]();
  }

  /** Bytes that come through the socket make the file here. */
  async #transfer(output: string, responses: AsyncIterable<DownloadTaskResponse>, progress: FileProgress) {
    const { disk } = this.#runtime;
    await using partial = new PartialFile(output, this.#runtime);
    const file = await partial.open();
    let range: DownloadTaskStartedResponse["range"];
    for await (const { response } of responses) {
      if (response?.$case === "downloadTaskStartedResponse") range = response.value.range;
      if (response?.$case === "downloadPieceFinishedResponse") await writePiece(response.value.piece, file, range);
      take(response, progress);
    }
    await checkDigest(partial.path, this.#plan.digest, disk);
    await partial.keep();
  }

  async #client(): Promise<Client> {
    if (this.#opened !== undefined) return this.#opened;
    const { endpoint } = this.#plan;
    if (await this.#runtime.disk.stat(endpoint) === undefined) {
      throw new DamselflyError("unavailable", "there is no such socket");
    }
    return this.#opened = createRpcClient(DfdaemonDownloadService, `unix:${endpoint}`, this.#runtime);
  }
}

function take(response: DownloadTaskResponse["response"], progress: FileProgress): void {
  if (response?.$case === "downloadTaskStartedResponse") {
    const { range, contentLength } = response.value;
    progress.started(range?.length ?? contentLength);
  }
  if (response?.$case === "downloadPieceFinishedResponse") progress.came(response.value.piece?.length ?? 0);
}

function downloadOf({ url, output }: WantedFile, plan: DfgetPlan): Download {
  const { header, range, access, filteredQueryParam = [] } = plan;
  const isTransfer = plan.transferFromDfdaemon === true;
  return Download.fromPartial({
    url,
    digest: plan.digest,
    tag: plan.tag,
    application: plan.application,
    priority: plan.priority,
    filteredQueryParams: [...filteredQueryParam],
    // A range that counts from the end has no other form.
    requestHeader: { ...header, ...(range !== undefined && { range }) },
    pieceLength: plan.pieceLength,
    timeout: durationOfMs(plan.timeout),
    disableBackToSource: plan.disableBackToSource === true,
    needPieceContent: isTransfer,
    overwrite: plan.overwrite === true,
    forceHardLink: plan.forceHardLink === true,
    contentForCalculatingTaskId: plan.contentForCalculatingTaskId,
    ...(access !== undefined && { objectStorage: storageMessage(access, plan) }),
    ...(isTransfer ? {} : { outputPath: output }),
  });
}
