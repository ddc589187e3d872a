/** What a job asks of schedulers, by its arguments (manager-rest.md §4). */
import { derOfPem } from "../../core/certificates.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS, taskIdOf } from "../../core/task_id.ts";
import { DamselflyError } from "../../core/error.ts";
import type { TlsTrust } from "../../http/node_fetch.ts";
import { ObjectStorage } from "../../rpc/gen/common/v2/common.ts";
import { TaskJobRequest } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { PreheatFileRequest, PreheatImageRequest } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs } from "../../rpc/time.ts";
import type { PreheatArgs, TaskArgs } from "../rest/job_args.ts";
import { millisecondsOfNanoseconds } from "../store/liveness.ts";

/** How long a job may take that does not say. */
const TIMEOUT_MS = 60 * 60_000;
/** Files that are fetched at a time when the order does not say. */
const FILES_AT_ONCE = 8;

/** What a preheat asks of the scheduler of each cluster. */
export interface PreheatRequests {
  readonly images: readonly PreheatImageRequest[];
  readonly files: readonly PreheatFileRequest[];
  /** Requests that run at a time. */
  readonly atOnce: number;
  readonly timeoutMs: number;
}

/** The requests of a preheat. Throws `unimplemented` for sources that peers do not have. */
export function preheatRequests(args: PreheatArgs): PreheatRequests {
  if (args.hdfs !== undefined) {
    throw new DamselflyError(
      "unimplemented",
      "Cannot preheat by the protocol of HDFS: order the http:// URLs of WebHDFS",
    );
  }
  const timeoutMs = timeoutMsOf(args);
  const common = {
    ...{ pieceLength: args.piece_length, tag: args.tag, application: args.application },
    filteredQueryParams: args.filtered_query_params?.split("&") ?? [],
    ...{ header: args.headers ?? {}, scope: args.scope ?? "single_seed_peer", ips: args.ips ?? [] },
    ...{ percentage: args.percentage, count: args.count, timeout: durationOfMs(timeoutMs) },
    ...{ concurrentTaskCount: args.concurrent_task_count, concurrentPeerCount: args.concurrent_peer_count },
  };
  const atOnce = args.concurrent_task_count ?? FILES_AT_ONCE;
  if (args.type === "image") {
    const { url = "", username, password, platform } = args;
    const request = PreheatImageRequest.create({ ...common, url, username, password, platform });
    return { images: [request], files: [], atOnce, timeoutMs };
  }
  const objectStorage = storageOf(args);
  const files = [...urlsOf(args)].map((url) => PreheatFileRequest.create({ ...common, url, objectStorage }));
  return { images: [], files, atOnce, timeoutMs };
}

function storageOf({ object_storage: storage }: PreheatArgs): ObjectStorage | undefined {
  if (storage === undefined) return undefined;
  return ObjectStorage.create({
    ...{ region: storage.region, endpoint: storage.endpoint, accessKeyId: storage.access_key_id },
    ...{ accessKeySecret: storage.access_key_secret, sessionToken: storage.session_token },
    ...{ securityToken: storage.security_token, credentialPath: storage.credential_path },
    ...{ predefinedAcl: storage.predefined_acl, insecureSkipVerify: storage.insecure_skip_verify },
  });
}

/** How many orders a scheduler gets for a job with these arguments. */
export function orderCountOf(args: PreheatArgs): number {
  return args.type === "image" ? 1 : urlsOf(args).size;
}

function urlsOf({ url, urls = [] }: PreheatArgs): Set<string> {
  return new Set([...urls, ...url === undefined ? [] : [url]]);
}

/** The same requests for hosts that shall trust the registry's authorities; a file's source is checked in any case. */
export function withTrust(
  requests: PreheatRequests,
  { authorities, checksCertificates = true }: TlsTrust,
): PreheatRequests {
  const certificateChain = authorities.map(derOfPem);
  const insecureSkipVerify = !checksCertificates;
  return {
    ...requests,
    images: requests.images.map((request) => ({ ...request, certificateChain, insecureSkipVerify })),
    files: requests.files.map((request) => ({ ...request, certificateChain })),
  };
}

/** The request of a job about a task, and how long it may take. Of several names of the task the URL counts first. */
export function taskRequest(args: TaskArgs): { readonly request: TaskJobRequest; readonly timeoutMs: number } {
  const timeoutMs = timeoutMsOf(args);
  const concurrentPeerCount = args.concurrent_peer_count;
  const request = { taskIds: taskIdsOf(args), timeout: durationOfMs(timeoutMs), concurrentPeerCount };
  return { request: TaskJobRequest.create(request), timeoutMs };
}

/** A blob is known by its digest on some peers, and by its URL on others. */
function taskIdsOf(args: TaskArgs): string[] {
  const { url, content_for_calculating_task_id: content, task_id = "" } = args;
  if (url === undefined) return [content === undefined ? task_id : taskIdOf({ url: "", content })];
  const input = {
    ...{ url, tag: args.tag, application: args.application, pieceLength: args.piece_length },
    filteredQueryParams: args.filtered_query_params?.split("&") ?? DEFAULT_FILTERED_QUERY_PARAMS,
  };
  return [...new Set([true, false].map((byBlobDigest) => taskIdOf({ ...input, byBlobDigest })))];
}

/** How long a job with these arguments may take. */
export function timeoutMsOf({ timeout }: { readonly timeout?: unknown }): number {
  return typeof timeout !== "number" ? TIMEOUT_MS : millisecondsOfNanoseconds(timeout);
}
