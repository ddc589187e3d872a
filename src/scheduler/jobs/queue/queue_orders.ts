/** Orders as a stock manager writes them for its schedulers, and the answers that it reads (manager-rest.md §4.4). */
import * as z from "zod";
import { hostTypeName } from "../../../core/host_type.ts";
import { DamselflyError } from "../../../core/error.ts";
import { parseJson } from "../../../redis/machinery.ts";
import { type Host, ObjectStorage } from "../../../rpc/gen/common/v2/common.ts";
import { type HostResult, TaskJobRequest } from "../../../rpc/gen/damselfly/v1/jobs.ts";
import { PreheatFileRequest } from "../../../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs, msOfTimestamp } from "../../../rpc/time.ts";
import { check } from "../../parse.ts";
import { parsePreheatFile, parseTaskJob, type PreheatOrder, type TaskOrder } from "../job_order.ts";

const NANOSECONDS_PER_MS = 1e6;
const URLS_MAX = 10_000;
/** Go's zero time. */
const NEVER = "0001-01-01T00:00:00Z";
const FAILURES_QUOTED = 3;

const text = z.string().nullish().transform((value) => value ?? "");
const maybe = z.string().nullish().transform((value) => value ?? undefined);
const count = z.int().min(0).nullish().transform((value) => value ?? 0);

const Preheat = z.object({
  ...{ url: text, urls: z.array(z.string()).max(URLS_MAX).nullish(), pieceLength: count, tag: text, application: text },
  ...{ filtered_query_params: text, headers: z.record(z.string(), z.string()).nullish(), priority: count, scope: text },
  ...{ ips: z.array(z.string()).nullish(), percentage: count, count, concurrent_task_count: count },
  ...{ concurrent_peer_count: count, certificate_chain: z.array(z.base64()).nullish(), timeout: count },
  ...{ insecure_skip_verify: z.boolean().nullish(), hdfs: z.unknown(), output_path: text },
  object_storage: z.object({
    ...{ region: maybe, endpoint: maybe, access_key_id: maybe, access_key_secret: maybe, session_token: maybe },
    ...{ security_token: maybe, credential_path: maybe, predefined_acl: maybe },
    insecure_skip_verify: z.boolean().nullish().transform((value) => value ?? undefined),
  }).nullish(),
});
const Task = z.object({ task_id: z.string(), timeout: count, concurrent_peer_count: count });

/** Reads a preheat. Throws `invalid_argument`, and `unimplemented` for what would be ignored. */
export function parseQueuedPreheat(payload: string): PreheatOrder {
  const order = parseJson(Preheat, payload, "the arguments of the preheat");
  const urls = [...new Set([...order.urls ?? [], ...order.url === "" ? [] : [order.url]])];
  const [first] = urls;
  check(first !== undefined, "urls", "one or more");
  if (order.hdfs !== undefined && order.hdfs !== null) {
    throw new DamselflyError("unimplemented", "Cannot obey hdfs: peers fetch over HTTP and from S3");
  }
  // Go's JSON of bytes.
  const certificateChain = (order.certificate_chain ?? []).map((text) => Uint8Array.fromBase64(text));
  const parse = (url: string) =>
    parsePreheatFile(PreheatFileRequest.create({
      ...{ url, tag: order.tag, application: order.application, priority: order.priority, scope: order.scope },
      ...{ pieceLength: order.pieceLength, filteredQueryParams: listOf(order.filtered_query_params) },
      ...{ header: order.headers ?? {}, ips: order.ips ?? [], percentage: order.percentage, count: order.count },
      ...{ certificateChain, objectStorage: storageOf(order) },
      ...{ insecureSkipVerify: order.insecure_skip_verify ?? false, outputPath: order.output_path },
      ...{ concurrentTaskCount: order.concurrent_task_count, concurrentPeerCount: order.concurrent_peer_count },
      ...timeoutOf(order),
    }));
  const orders = urls.map(parse);
  return { ...parse(first), downloads: orders.map(({ download }) => download) };
}

/** Reads a job about a task. Throws `invalid_argument`. */
export function parseQueuedTask(payload: string): TaskOrder {
  const order = parseJson(Task, payload, "the arguments of the job");
  const concurrentPeerCount = order.concurrent_peer_count;
  return parseTaskJob(TaskJobRequest.create({ taskIds: [order.task_id], concurrentPeerCount, ...timeoutOf(order) }));
}

/** What a preheat did. Throws `unavailable` when a content is on no host, for a stock manager reads no lists of failures. */
export function preheatAnswer(results: readonly HostResult[], clusterId: number): string {
  const successes = results.filter(({ error }) => error === undefined);
  const failures = results.filter(({ error }) => error !== undefined);
  const there = new Set(successes.map(({ url }) => url));
  const missing = new Map(failures.filter(({ url }) => !there.has(url)).map(({ url, error = "" }) => [url, error]));
  if (missing.size > 0) {
    const quoted = [...missing.values()].slice(0, FAILURES_QUOTED).join("; ");
    throw new DamselflyError("unavailable", `Cannot preheat ${missing.size} contents: ${quoted}`);
  }
  return JSON.stringify({
    success_tasks: successes.map(({ url, hostname, ip }) => ({ url, hostname, ip })),
    failure_tasks: failures.map(({ url, hostname, ip, error }) => ({ url, hostname, ip, description: error })),
    scheduler_cluster_id: clusterId,
  });
}

/** Who holds a task. */
export function findAnswer(results: readonly HostResult[], clusterId: number): string {
  const peers = results.map(({ hostId, hostname, ip, hostType, createdAt, updatedAt, isFinished }) => ({
    ...{ id: hostId, hostname, ip, host_type: hostTypeName(hostType) },
    created_at: createdAt === undefined ? NEVER : new Date(msOfTimestamp(createdAt)).toISOString(),
    updated_at: updatedAt === undefined ? NEVER : new Date(msOfTimestamp(updatedAt)).toISOString(),
    // Managers of different versions have different names for it.
    ...{ IsFinished: isFinished, task_finished: isFinished },
  }));
  return JSON.stringify({ peers, scheduler_cluster_id: clusterId });
}

/** Who has deleted a task. */
export function deleteAnswer(results: readonly HostResult[], clusterId: number): string {
  const entry = ({ hostname, ip, hostType }: HostResult) => ({ hostname, ip, host_type: hostTypeName(hostType) });
  return JSON.stringify({
    success_tasks: results.filter(({ error }) => error === undefined).map(entry),
    failure_tasks: results.filter(({ error }) => error !== undefined)
      .map((result) => ({ ...entry(result), description: result.error })),
    scheduler_cluster_id: clusterId,
  });
}

/** The hosts, in the words of Go's struct for them. */
export function hostsAnswer(hosts: readonly Host[]): string {
  return JSON.stringify(hosts.map((host) => ({
    ...{ ID: host.id, Type: host.type, Hostname: host.hostname, IP: host.ip, Port: host.port },
    ...{ DownloadPort: host.downloadPort, ProxyPort: host.proxyPort, OS: host.os, Platform: host.platform },
    ...{ PlatformFamily: host.platformFamily, PlatformVersion: host.platformVersion },
    ...{ KernelVersion: host.kernelVersion, SchedulerClusterID: host.schedulerClusterId },
    Network: { Location: host.network?.location ?? "", IDC: host.network?.idc ?? "" },
    Build: {
      GitVersion: host.build?.gitVersion ?? "",
      GitCommit: host.build?.gitCommit ?? "",
      Platform: host.build?.platform ?? "",
    },
  })));
}

function listOf(joined: string): string[] {
  return joined === "" ? [] : joined.split("&");
}

function timeoutOf({ timeout }: { readonly timeout: number }) {
  return timeout === 0 ? {} : { timeout: durationOfMs(timeout / NANOSECONDS_PER_MS) };
}

function storageOf({ object_storage: storage }: z.output<typeof Preheat>): ObjectStorage | undefined {
  if (storage === undefined || storage === null) return undefined;
  return ObjectStorage.create({
    ...{ region: storage.region, endpoint: storage.endpoint, accessKeyId: storage.access_key_id },
    ...{ accessKeySecret: storage.access_key_secret, sessionToken: storage.session_token },
    ...{ securityToken: storage.security_token, credentialPath: storage.credential_path },
    ...{ predefinedAcl: storage.predefined_acl, insecureSkipVerify: storage.insecure_skip_verify },
  });
}
