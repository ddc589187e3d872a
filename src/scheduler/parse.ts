/** Messages from peers, checked once and turned into what the core works with (wire.md §1.4). */
import { isIP } from "node:net";
import { DamselflyError } from "../core/error.ts";
import { BUILD_PLATFORM } from "../core/version.ts";
import { type Download, Host, type Piece } from "../rpc/gen/common/v2/common.ts";
import type {
  AnnounceHostRequest,
  AnnouncePeerRequest,
  DownloadPieceFailedRequest,
} from "../rpc/gen/scheduler/v2/scheduler.ts";
import { msOfDuration } from "../rpc/time.ts";
import type { PeerEvent, PieceReport, Registration } from "./core/event.ts";
import { type ApplicationPriority, type PriorityLevel, priorityOf } from "./core/settings.ts";
import type { HostFacts, TaskFacts, Wish } from "./core/state.ts";

/** An announcement is kept and sent to each child of the host. */
const ANNOUNCEMENT_BYTES_MAX = 16 * 1024;
/** Host, task and peer ids, host names, tags and applications. */
export const NAME_LENGTH_MAX = 512;
const URL_LENGTH_MAX = 8 * 1024;
const QUERY_PARAMS_MAX = 100;
/** Parents that one message may name; an answer never holds more. */
const PARENTS_MAX = 100;
const HOST_TYPE_MAX = 3;
const PORT_MAX = 65535;
const PRIORITY_MAX = 6;
const TASK_TYPE_MAX = 3;
const ANNOUNCE_INTERVAL_MS_MAX = 24 * 60 * 60 * 1000;
/** Pieces that a peer fetches at a time when it does not say (wire.md §4.1). */
export const CONCURRENT_PIECES_DEFAULT = 8;
export const CONCURRENT_PIECES_MAX = 1024;
const DIGEST =
  /^(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|(sha256|blake3):[0-9a-f]{64}|sha512:[0-9a-f]{128}|crc32:[0-9a-f]{1,10})$/i;

/** Throws `invalid_argument`, naming the field and what is expected there. */
export function check(condition: boolean, field: string, expected: string): asserts condition {
  if (!condition) throw new DamselflyError("invalid_argument", `Cannot accept ${field}: expected ${expected}`);
}

/** Checks an id or a name that must be there. */
export function checkName(text: string, field: string): string {
  check(text.length > 0 && text.length <= NAME_LENGTH_MAX, field, `1 to ${NAME_LENGTH_MAX} characters`);
  return text;
}

/** A host that says where it is, and how often it will. */
export interface Announcement {
  readonly facts: HostFacts;
  readonly announceIntervalMs: number;
}

/** Checks an announcement. Throws `invalid_argument`, naming the field. */
export function parseAnnouncement(request: AnnounceHostRequest): Announcement {
  const { host } = request;
  check(host !== undefined, "host", "a host");
  const bytes = Host.encode(host).finish().length;
  check(bytes <= ANNOUNCEMENT_BYTES_MAX, "host", `at most ${ANNOUNCEMENT_BYTES_MAX} bytes, not ${bytes}`);
  checkName(host.id, "host.id");
  checkName(host.hostname, "host.hostname");
  // One with a zone is of no use to others, and stock peers give up all parents for an address that they cannot read.
  check(isIP(host.ip) !== 0 && !host.ip.includes("%"), "host.ip", "an IP address without a zone");
  check(host.port > 0 && host.port <= PORT_MAX, "host.port", `1 to ${PORT_MAX}`);
  check(host.downloadPort >= 0 && host.downloadPort <= PORT_MAX, "host.download_port", `0 to ${PORT_MAX}`);
  check(host.type <= HOST_TYPE_MAX, "host.type", `0 to ${HOST_TYPE_MAX}`);
  const intervalMs = request.interval === undefined ? 0 : msOfDuration(request.interval);
  check(
    intervalMs >= 0 && intervalMs <= ANNOUNCE_INTERVAL_MS_MAX,
    "interval",
    `0 to ${ANNOUNCE_INTERVAL_MS_MAX / 1000} s`,
  );
  return { facts: hostFacts(host), announceIntervalMs: intervalMs };
}

function hostFacts(host: Host): HostFacts {
  return {
    id: host.id,
    isSeed: host.type !== 0,
    idc: host.network?.idc ?? "",
    location: host.network?.location ?? "",
    txBitsPerSecondMax: host.network?.maxTxBandwidth ?? 0,
    cutsAsAsked: host.build?.platform === BUILD_PLATFORM,
    isShared: !host.disableShared,
    announcement: host,
  };
}

/** Checks the first message of a stream, which must be a registration. Throws `invalid_argument`, naming the field. */
export function parseRegistration(
  message: AnnouncePeerRequest,
  applications: readonly ApplicationPriority[],
): Registration {
  const { request } = message;
  check(request?.$case === "registerPeerRequest", "request", "register_peer_request first");
  const { download } = request.value;
  check(download !== undefined, "register_peer_request.download", "a download");
  checkDownload(download);
  return {
    type: "register",
    hostId: checkName(message.hostId, "host_id"),
    peerId: checkName(message.peerId, "peer_id"),
    task: taskFacts(checkName(message.taskId, "task_id"), download),
    wish: wishOf(download, applications),
    download,
  };
}

/** Checks what a download is of. Throws `invalid_argument`, naming the field. */
export function checkDownload(download: Download): void {
  const { url, priority, type, digest, filteredQueryParams } = download;
  check(url.length <= URL_LENGTH_MAX && URL.canParse(url), "download.url", "an absolute URL");
  check(priority >= 0 && priority <= PRIORITY_MAX, "download.priority", `0 to ${PRIORITY_MAX}`);
  check(type >= 0 && type <= TASK_TYPE_MAX, "download.type", `0 to ${TASK_TYPE_MAX}`);
  check(digest === undefined || digest === "" || DIGEST.test(digest), "download.digest", "<algorithm>:<hex>");
  check((download.tag ?? "").length <= NAME_LENGTH_MAX, "download.tag", `at most ${NAME_LENGTH_MAX} characters`);
  const application = download.application ?? "";
  check(application.length <= NAME_LENGTH_MAX, "download.application", `at most ${NAME_LENGTH_MAX} characters`);
  const areShort = filteredQueryParams.every((name) => name.length <= NAME_LENGTH_MAX);
  const field = "download.filtered_query_params";
  check(areShort && filteredQueryParams.length <= QUERY_PARAMS_MAX, field, `at most ${QUERY_PARAMS_MAX} names`);
}

function taskFacts(id: string, download: Download): TaskFacts {
  return {
    id,
    type: download.type,
    url: withoutSecrets(download.url),
    digest: download.digest,
    tag: download.tag,
    application: download.application,
    filteredQueryParams: download.filteredQueryParams,
  };
}

/** The query of a presigned URL is a credential. */
function withoutSecrets(text: string): string {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href;
}

function wishOf(download: Download, applications: readonly ApplicationPriority[]): Wish {
  const { range, actualContentLength, actualPieceLength, actualPieceCount, concurrentPieceCount } = download;
  return {
    priority: priorityOf(applications, {
      priority: download.priority as PriorityLevel,
      application: download.application,
      url: download.url,
    }),
    range: range === undefined ? undefined : { start: range.start, length: range.length },
    contentLength: actualContentLength,
    pieceLength: actualPieceLength,
    pieceCount: actualPieceCount ?? 0,
    concurrentPieces: Math.min(concurrentPieceCount ?? CONCURRENT_PIECES_DEFAULT, CONCURRENT_PIECES_MAX),
    needBackToSource: download.needBackToSource,
    disableBackToSource: download.disableBackToSource,
    metadataOnly: download.metadataOnly,
  };
}

/** A later message of a stream. Throws `invalid_argument` for a wrong field, `failed_precondition` for an unknown kind. */
export function parsePeerMessage(request: AnnouncePeerRequest["request"]): PeerMessage {
  switch (request?.$case) {
    case "downloadPeerStartedRequest":
      return { type: "started" };
    case "downloadPeerBackToSourceStartedRequest":
      return { type: "back_to_source_started" };
    case "reschedulePeerRequest":
      return failedParents(request.value.candidateParents);
    case "downloadPeerFinishedRequest":
      return { type: "finished" };
    case "downloadPeerBackToSourceFinishedRequest":
      return { type: "back_to_source_finished" };
    case "downloadPeerFailedRequest":
      return { type: "failed" };
    case "downloadPeerBackToSourceFailedRequest":
      return { type: "back_to_source_failed" };
    case "downloadPieceFinishedRequest":
      return { type: "piece_finished", piece: pieceReport(request.value.piece, false) };
    case "downloadPieceBackToSourceFinishedRequest":
      return { type: "piece_finished", piece: pieceReport(request.value.piece, true) };
    case "downloadPieceFailedRequest":
      return failedPiece(request.value);
    case "downloadPieceBackToSourceFailedRequest":
      return { type: "piece_back_to_source_failed" };
    default: {
      const what = request === undefined ? "it holds no request that is known here" : "the peer is registered already";
      throw new DamselflyError("failed_precondition", `Cannot handle a message of a peer: ${what}`);
    }
  }
}

/** A message of a registered peer, without who and when. */
export type PeerMessage = PeerEvent extends infer E
  ? E extends unknown ? Omit<E, "nowMs" | "peerId" | "streamId"> : never
  : never;

/** What a peer says that wants other parents. */
export function failedParents(candidateParents: readonly { readonly id: string }[]): PeerMessage {
  check(candidateParents.length <= PARENTS_MAX, "candidate_parents", `at most ${PARENTS_MAX} peers`);
  return { type: "reschedule", failedParentIds: candidateParents.map(({ id }) => id) };
}

/** What a peer says that could not get a piece from a parent. */
export function failedPiece({ parentId, temporary }: DownloadPieceFailedRequest): PeerMessage {
  return { type: "piece_failed", parentId: checkName(parentId, "parent_id"), temporary };
}

/** What a peer says of a piece that it got. */
export function pieceReport(piece: Piece | undefined, isFromSource: boolean): PieceReport {
  check(piece !== undefined, "piece", "a piece");
  const { parentId } = piece;
  return {
    number: piece.number,
    offset: piece.offset,
    lengthBytes: piece.length,
    costMs: piece.cost === undefined ? 0 : Math.max(0, msOfDuration(piece.cost)),
    parentId: isFromSource || parentId === undefined || parentId === "" ? undefined : parentId,
  };
}
