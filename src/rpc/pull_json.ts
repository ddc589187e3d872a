import type { Pull } from "./gen/damselfly/v1/pulls.ts";
import type { Timestamp } from "./gen/google/protobuf/timestamp.ts";
import { msOfTimestamp } from "./time.ts";

/** A pull as scripts get it, be it from dfctl or from the manager. */
export function pullJson(pull: Pull) {
  return {
    ...{ task_id: pull.taskId, url: pull.url, registry: pull.registry, repository: pull.repository },
    ...{ digest: pull.digest || null, application: pull.application || null, requester: pull.requester || null },
    ...{ is_triggered: pull.isTriggered, is_hit: pull.isHit, is_running: pull.isRunning },
    ...{ started_at: timeText(pull.startedAt), first_byte_ms: pull.firstByteMs ?? null },
    ...{ duration_ms: pull.durationMs, content_length: pull.contentLength },
    ...{ origin_bytes: pull.originBytes, peer_bytes: pull.peerBytes, local_bytes: pull.localBytes },
    parents: pull.parents.map(({ peerId, hostId, hostname, ip, idc, isSeed, pieces, bytes }) => ({
      ...{ peer_id: peerId, host_id: hostId, hostname, ip, idc, is_seed: isSeed, pieces, bytes },
    })),
    events: pull.events.map(({ kind, atMs, ms, subject, detail }) => ({ kind, at_ms: atMs, ms, subject, detail })),
    dropped_events: pull.droppedEvents,
    error: pull.error || null,
    ...{ cause: pull.cause, lost_ms: pull.lostMs, reason: pull.reason },
  };
}

/** `2026-01-02T03:04:05Z` */
function timeText(time: Timestamp | undefined): string | null {
  return time === undefined ? null : new Date(msOfTimestamp(time)).toISOString().replace(/\.\d+Z$/, "Z");
}
