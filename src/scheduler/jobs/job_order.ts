/** Orders of jobs, checked once (manager-rest.md §4.2). */
import { pemOfDer } from "../../core/certificates.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS } from "../../core/task_id.ts";
import { DamselflyError } from "../../core/error.ts";
import type { TlsTrust } from "../../http/node_fetch.ts";
import type { Credentials } from "../../oci/image_pull_client.ts";
import { parsePlatform, type Platform } from "../../oci/platform.ts";
import { Download, TaskType } from "../../rpc/gen/common/v2/common.ts";
import type { TaskJobRequest } from "../../rpc/gen/damselfly/v1/jobs.ts";
import type {
  PreheatFileRequest,
  PreheatImageRequest,
  StatFileRequest,
  StatImageRequest,
} from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { msOfDuration } from "../../rpc/time.ts";
import { check, checkDownload, checkName } from "../parse.ts";
import { SCOPES, type Targets } from "./targets.ts";

const HEADERS_MAX = 100;
const HEADER_LENGTH_MAX = 8 * 1024;
/** Of all authorities of an order, and of what hosts take with a download. */
const CERTIFICATE_BYTES_MAX = 64 * 1024;
const IPS_MAX = 100;
const TASK_IDS_MAX = 10;
/** Contents at a time, and hosts at a time for each, of an order that does not say; and the most that it may. */
const TASKS_AT_ONCE = { usual: 8, max: 100 };
const HOSTS_AT_ONCE = { usual: 500, max: 1_000 };
const MINUTE_MS = 60_000;
/** How long a job may take that does not say, and the longest (wire.md §5.7). */
const TIMEOUT_MS = { usual: 30 * MINUTE_MS, max: 24 * 60 * MINUTE_MS };

/** What any job is limited by. */
export interface JobLimits {
  readonly timeoutMs: number;
  readonly tasksAtOnce: number;
  readonly hostsAtOnce: number;
}

/** An image at its registry. */
export interface ImageOrder {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | undefined;
  readonly platform: Platform | undefined;
  readonly trust: TlsTrust;
}

/** Contents that hosts are asked about. */
export interface StatOrder extends JobLimits {
  /** Undefined for a file. */
  readonly image: ImageOrder | undefined;
  /** The file; of an image what all its blobs have in common, without URL and login. */
  readonly download: Download;
  /** All files, when there are several. */
  readonly downloads?: readonly Download[];
}

/** Contents that hosts shall fetch, and which hosts. */
export interface PreheatOrder extends StatOrder {
  readonly targets: Targets;
}

/** A task that hosts are asked about. */
export interface TaskOrder extends JobLimits {
  readonly taskIds: readonly string[];
}

/** Checks an order for an image. Throws `invalid_argument`, and `unimplemented` for what would be ignored. */
export function parsePreheatImage(request: PreheatImageRequest): PreheatOrder {
  return { ...imageStat(request, limitsOf(request)), targets: targetsOf(request) };
}

/** Checks an order for a file, as {@link parsePreheatImage} does. */
export function parsePreheatFile(request: PreheatFileRequest): PreheatOrder {
  refuse((request.outputPath ?? "") !== "", "output_path: hosts write files only for callers of their own");
  return { ...fileStat(request, limitsOf(request)), targets: targetsOf(request) };
}

/** Checks a question about an image, as {@link parsePreheatImage} does. */
export function parseStatImage(request: StatImageRequest): StatOrder {
  const { concurrentLayerCount: concurrentTaskCount } = request;
  return imageStat({ ...request, priority: 0 }, limitsOf({ ...request, concurrentTaskCount }));
}

/** Checks a question about a file, as {@link parsePreheatImage} does. */
export function parseStatFile(request: StatFileRequest): StatOrder {
  return fileStat({ ...request, priority: 0 }, limitsOf(request));
}

/** Checks an order about a task. Throws `invalid_argument`. */
export function parseTaskJob(request: TaskJobRequest): TaskOrder {
  const { taskIds } = request;
  check(taskIds.length > 0 && taskIds.length <= TASK_IDS_MAX, "task_ids", `1 to ${TASK_IDS_MAX} ids`);
  return { ...limitsOf(request), taskIds: taskIds.map((id) => checkName(id, "task_ids")) };
}

/** What orders for images and files have in common. */
type Content = Pick<
  PreheatFileRequest,
  | "url"
  | "pieceLength"
  | "tag"
  | "application"
  | "filteredQueryParams"
  | "header"
  | "certificateChain"
  | "priority"
>;

function imageStat(
  request: Content & Pick<PreheatImageRequest, "username" | "password" | "platform" | "insecureSkipVerify">,
  limits: JobLimits,
): StatOrder {
  const { url, header, username = "", password = "", platform = "" } = request;
  const download = { ...downloadOf(request), url: "", enableTaskIdBasedBlobDigest: true };
  const image = {
    ...{ url, headers: header },
    credentials: username === "" && password === "" ? undefined : { username, password },
    platform: platform === "" ? undefined : parsePlatform(platform),
    trust: { authorities: authoritiesOf(request), checksCertificates: !request.insecureSkipVerify },
  };
  return { ...limits, image, download };
}

function fileStat(
  request: Content & Pick<PreheatFileRequest, "objectStorage" | "hdfs" | "insecureSkipVerify">,
  limits: JobLimits,
): StatOrder {
  const { url, objectStorage } = request;
  check(objectStorage === undefined || /^s3:/i.test(url), "object_storage", "only with an s3:// URL");
  const texts = Object.values(objectStorage ?? {}).filter((value) => typeof value === "string");
  check(texts.every(({ length }) => length <= HEADER_LENGTH_MAX), "object_storage", "shorter texts");
  refuse(request.hdfs !== undefined, "hdfs: peers fetch over HTTP and from S3 only");
  refuse(request.insecureSkipVerify, "insecure_skip_verify: peers always check the certificates of sources");
  const download = downloadOf(request, /^(https?|s3):/i, "an http://, https:// or s3:// URL");
  return { ...limits, image: undefined, download: { ...download, objectStorage } };
}

function downloadOf(content: Content, schemes = /^https?:/i, expected = "an http:// or https:// URL"): Download {
  const { url, pieceLength, tag = "", application = "", filteredQueryParams, header, priority } = content;
  check(schemes.test(url), "url", expected);
  const headers = Object.entries(header);
  const areUsable = headers.every(([name, value]) => name.length + value.length <= HEADER_LENGTH_MAX);
  check(areUsable && headers.length <= HEADERS_MAX, "header", `at most ${HEADERS_MAX} headers`);
  authoritiesOf(content);
  const download = Download.create({
    ...{ url, type: TaskType.STANDARD, priority, requestHeader: header, certificateChain: content.certificateChain },
    filteredQueryParams: filteredQueryParams.length > 0 ? filteredQueryParams : [...DEFAULT_FILTERED_QUERY_PARAMS],
    ...(pieceLength === undefined || pieceLength === 0 ? {} : { pieceLength }),
    ...(tag === "" ? {} : { tag }),
    ...(application === "" ? {} : { application }),
  });
  checkDownload(download);
  return download;
}

/** Whom the order trusts at the source, as PEM. */
function authoritiesOf({ certificateChain }: Pick<Content, "certificateChain">): string[] {
  const bytes = certificateChain.reduce((sum, { length }) => sum + length, 0);
  check(bytes <= CERTIFICATE_BYTES_MAX, "certificate_chain", `at most ${CERTIFICATE_BYTES_MAX} bytes`);
  return certificateChain.map(pemOfDer);
}

function targetsOf({ scope, ips, count, percentage }: PreheatImageRequest | PreheatFileRequest): Targets {
  const known = SCOPES.find((name) => name === (scope === "" ? "single_seed_peer" : scope));
  check(known !== undefined, "scope", SCOPES.join(", "));
  check(ips.length <= IPS_MAX, "ips", `at most ${IPS_MAX} addresses`);
  check((percentage ?? 0) <= 100, "percentage", "0 to 100");
  return { scope: known, ips, count: count || undefined, percentage: percentage || undefined };
}

function limitsOf(
  { timeout, concurrentTaskCount, concurrentPeerCount }: {
    readonly timeout?: { readonly seconds: number; readonly nanos: number } | undefined;
    readonly concurrentTaskCount?: number | undefined;
    readonly concurrentPeerCount?: number | undefined;
  },
): JobLimits {
  return {
    timeoutMs: bounded(timeout === undefined ? undefined : msOfDuration(timeout), TIMEOUT_MS, "timeout"),
    tasksAtOnce: bounded(concurrentTaskCount, TASKS_AT_ONCE, "concurrent_task_count"),
    hostsAtOnce: bounded(concurrentPeerCount, HOSTS_AT_ONCE, "concurrent_peer_count"),
  };
}

/** 0 is as good as nothing. */
function bounded(value: number | undefined, { usual, max }: { usual: number; max: number }, field: string): number {
  if (value === undefined || value === 0) return usual;
  check(value > 0 && value <= max, field, `0 to ${max}`);
  return value;
}

function refuse(isAsked: boolean, what: string): void {
  if (isAsked) throw new DamselflyError("unimplemented", `Cannot obey ${what}`);
}
