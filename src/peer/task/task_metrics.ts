import { DURATION_BUCKETS_MS, sizeLevel } from "../../core/size_level.ts";
import { pieceRange } from "../../core/piece.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { StoredTask, TrafficType } from "../storage/storage.ts";
import type { TaskRequest, Traffic } from "./task.ts";

/** Tags and applications come from requesters; more of them than this are counted together. */
const LABEL_VALUES_MAX = 64;
const OTHER = "other";

const TRAFFIC_LABELS: Record<TrafficType, string> = {
  back_to_source: "BACK_TO_SOURCE",
  remote_peer: "REMOTE_PEER",
  local_peer: "LOCAL_PEER",
};

/** The counters of one family of tasks, under Dragonfly's names (node-side.md §3.13). */
export class TaskMetrics {
  readonly #type: string;
  readonly #labelValues = new Set<string>();
  readonly #bytes: Record<TrafficType, number> = { back_to_source: 0, remote_peer: 0, local_peer: 0 };
  readonly #total;
  readonly #failures;
  readonly #running;
  readonly #traffic;
  readonly #durations;

  /** `type` is the family as Dragonfly labels it (wire.md §1.1, `TaskType`). */
  constructor(metrics: Metrics, type: "STANDARD" | "PERSISTENT_CACHE" = "STANDARD") {
    this.#type = type;
    const labels = ["type", "tag", "app", "priority"];
    this.#total = metrics.counter("dragonfly_client_download_task_total", "Downloads of tasks that began", labels);
    this.#failures = metrics.counter(
      "dragonfly_client_download_task_failure_total",
      "Downloads of tasks that failed",
      labels,
    );
    this.#running = metrics.gauge(
      "dragonfly_client_concurrent_download_task_total",
      "Downloads of tasks that are running",
      labels,
    );
    this.#traffic = metrics.counter("dragonfly_client_download_traffic", "Bytes downloaded, by where they came from", [
      "type",
    ]);
    this.#durations = metrics.histogram(
      "dragonfly_client_download_task_duration_milliseconds",
      "Time of successful downloads, by size: level n is up to 2^(n-1) MiB",
      DURATION_BUCKETS_MS,
      ["task_type", "task_size_level"],
    );
  }

  /** A download began; the result tells that it ended, `failed` or not. */
  started(request: Pick<TaskRequest, "tag" | "application" | "priority">): (isFailed: boolean) => void {
    const labels = {
      type: this.#type,
      tag: this.#bounded(request.tag),
      app: this.#bounded(request.application),
      priority: String(request.priority),
    };
    this.#total.inc(labels);
    this.#running.inc(labels);
    return (isFailed) => {
      this.#running.dec(labels);
      if (isFailed) this.#failures.inc(labels);
    };
  }

  /** Bytes have come. */
  received(type: TrafficType, bytes: number): void {
    this.#bytes[type] += bytes;
    this.#traffic.inc({ type: TRAFFIC_LABELS[type] }, bytes);
  }

  /** The bytes of all tasks since the start. */
  traffic(): Traffic {
    const { back_to_source: backToSource, remote_peer: remotePeer, local_peer: localPeer } = this.#bytes;
    return { backToSource, remotePeer, localPeer };
  }

  /** A download of `contentLength` bytes succeeded. */
  succeeded(contentLength: number, durationMs: number): void {
    this.#durations.observe({ task_type: this.#type, task_size_level: sizeLevel(contentLength) }, durationMs);
  }

  #bounded(value = ""): string {
    if (value === "" || this.#labelValues.has(value)) return value;
    if (this.#labelValues.size >= LABEL_VALUES_MAX) return OTHER;
    this.#labelValues.add(value);
    return value;
  }
}

/** The traffic of a task that was complete already. */
export function localTraffic(bytes: number): Traffic {
  return { backToSource: 0, remotePeer: 0, localPeer: bytes };
}

/** Bytes of a task that are here already. */
export function recordedBytes(stored: StoredTask): number {
  const { plan } = stored.record;
  let bytes = 0;
  for (let number = 0; number < plan.pieceCount; number++) {
    if (!stored.isRecorded(number)) continue;
    const { start, end } = pieceRange(plan, number);
    bytes += end - start;
  }
  return bytes;
}
