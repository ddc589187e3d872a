/** The arguments of jobs as a stock scheduler wants them, and its answers (manager-rest.md §4.4). */
import * as z from "zod";
import { hostTypeOf } from "../../../core/host_type.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS } from "../../../core/task_id.ts";
import type { ObjectStorage } from "../../../rpc/gen/common/v2/common.ts";
import { HostResult } from "../../../rpc/gen/damselfly/v1/jobs.ts";
import type { PreheatFileRequest, PreheatImageRequest } from "../../../rpc/gen/scheduler/v2/scheduler.ts";
import { timestampOfMs } from "../../../rpc/time.ts";
import { parseJson } from "../../../redis/machinery.ts";
import { boundedError } from "../host_error.ts";

const NANOSECONDS_PER_MS = 1e6;
/** What a stock manager fills in. A stock scheduler waits for ever where it is told 0. */
const TASKS_AT_ONCE = 8;
const PEERS_AT_ONCE = 500;
/** The most entries of a list that are read. */
const LIST_MAX = 1_000_000;

/** In the words of Go's gRPC: a host does not have the task, which it may have known by another id that was deleted. */
const NOT_THERE = "code = NotFound";

/** Arguments of a job. */
export type Payload = Readonly<Record<string, unknown>>;

/** The arguments of a preheat of `urls`, which have all else in common with `request`. */
export function preheatPayload(
  request: PreheatImageRequest | PreheatFileRequest,
  urls: readonly string[],
  { headers, timeoutMs }: { readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number },
): Payload {
  const { pieceLength, tag = "", application = "", filteredQueryParams, priority, scope, ips, percentage, count } =
    request;
  const filtered = filteredQueryParams.length > 0 ? filteredQueryParams : DEFAULT_FILTERED_QUERY_PARAMS;
  return {
    ...{ url: "", urls, pieceLength: pieceLength || null, tag, application, priority, headers, scope, ips },
    ...{ filtered_query_params: filtered.join("&"), percentage: percentage || null, count: count || null },
    concurrent_task_count: request.concurrentTaskCount || TASKS_AT_ONCE,
    concurrent_peer_count: request.concurrentPeerCount || PEERS_AT_ONCE,
    // Go writes bytes as base64.
    certificate_chain: request.certificateChain.length === 0
      ? null
      : request.certificateChain.map((der) => der.toBase64()),
    insecure_skip_verify: "insecureSkipVerify" in request && request.insecureSkipVerify === true,
    timeout: Math.round(timeoutMs * NANOSECONDS_PER_MS),
    object_storage: "objectStorage" in request ? storagePayload(request.objectStorage) : null,
    ...{ hdfs: null, output_path: null },
  };
}

/** As Go writes the message: what is empty is left out. */
function storagePayload(storage: ObjectStorage | undefined): Payload | null {
  if (storage === undefined) return null;
  return {
    ...{ region: storage.region, endpoint: storage.endpoint, access_key_id: storage.accessKeyId },
    ...{ access_key_secret: storage.accessKeySecret, session_token: storage.sessionToken },
    ...{ security_token: storage.securityToken, credential_path: storage.credentialPath },
    ...{ predefined_acl: storage.predefinedAcl, insecure_skip_verify: storage.insecureSkipVerify },
  };
}

/** The arguments of a job about a task. */
export function taskPayload(taskId: string, peersAtOnce: number | undefined, timeoutMs: number): Payload {
  return {
    task_id: taskId,
    timeout: Math.round(timeoutMs * NANOSECONDS_PER_MS),
    concurrent_peer_count: peersAtOnce || PEERS_AT_ONCE,
  };
}

/** A list; Go writes null for an empty one. */
const listOf = <T extends z.ZodType>(entry: T) => {
  return z.array(entry).max(LIST_MAX).nullish().transform((list) => list ?? []);
};
const ip = z.string().max(100);
const hostname = z.string().max(1_000);
const url = z.string().max(16 * 1024);
const description = z.string();
const hostType = z.string().max(100).transform(hostTypeOf);
const time = z.string().max(100).transform((text) => {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : timestampOfMs(ms);
});

const Preheated = z.object({
  success_tasks: listOf(z.object({ url, hostname, ip })),
  failure_tasks: listOf(z.object({ url, hostname, ip, description })),
});
const Found = z.object({
  peers: listOf(z.object({
    ...{ id: z.string().max(1_000), hostname, ip, host_type: hostType, created_at: time, updated_at: time },
    // Newer schedulers have another name for it.
    ...{ IsFinished: z.boolean().optional(), task_finished: z.boolean().optional() },
  })),
});
const Deleted = z.object({
  success_tasks: listOf(z.object({ hostname, ip, host_type: hostType })),
  failure_tasks: listOf(z.object({ hostname, ip, host_type: hostType, description })),
});

/** Reads the result of a preheat. Fails with `internal` for what no scheduler writes, as the others do. */
export function preheatResults(text: string): HostResult[] {
  const { success_tasks, failure_tasks } = parseJson(Preheated, text, "the result of the preheat");
  return [
    ...success_tasks.map((task) => HostResult.create(task)),
    ...failure_tasks.map(({ description, ...task }) =>
      HostResult.create({ ...task, error: boundedError(description) })
    ),
  ];
}

/** Reads who holds a task. */
export function findResults(text: string): HostResult[] {
  return parseJson(Found, text, "the holders of the task").peers.map((peer) =>
    HostResult.create({
      ...{ hostId: peer.id, hostname: peer.hostname, ip: peer.ip, hostType: peer.host_type },
      ...(peer.created_at === undefined ? {} : { createdAt: peer.created_at }),
      ...(peer.updated_at === undefined ? {} : { updatedAt: peer.updated_at }),
      isFinished: peer.IsFinished ?? peer.task_finished ?? false,
    })
  );
}

/** Reads who has deleted a task; hosts that do not have it are no results. */
export function deleteResults(text: string): HostResult[] {
  const { success_tasks, failure_tasks } = parseJson(Deleted, text, "who has deleted the task");
  const failures = failure_tasks.filter(({ description }) => !description.includes(NOT_THERE));
  return [
    ...success_tasks.map(({ host_type: hostType, ...host }) => HostResult.create({ ...host, hostType })),
    ...failures.map(({ host_type: hostType, description, ...host }) => {
      return HostResult.create({ ...host, hostType, error: boundedError(description) });
    }),
  ];
}
