/** Records as tests need them. */
import type { PullRecord } from "./pull_record.ts";

/** A pull of 100 bytes from the source. */
export function pullRecord(facts: Partial<PullRecord> = {}): PullRecord {
  return {
    ...{ taskId: "t1", peerId: "p1", url: "https://r.io/v2/team/app/blobs/sha256:aa", registry: "r.io" },
    ...{
      repository: "team/app",
      digest: "sha256:aa",
      application: "",
      requester: "containerd/2.1",
      isTriggered: false,
    },
    ...{ isHit: false, isRunning: false, startedAtMs: 1_000_000, firstByteMs: 10, durationMs: 100, contentLength: 100 },
    ...{ originBytes: 100, peerBytes: 0, localBytes: 0, parents: [], events: [], droppedEvents: 0, error: "" },
    ...facts,
  };
}
