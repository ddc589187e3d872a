import { ExpiringMap } from "../../core/expiring_map.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";

const BANNED_HOSTS_MAX = 1_024;
/** A host that lied may have been repaired; the next lie is found again, and costs one download from the source. */
const BAN_MS = 60 * 60_000;

const UUID = /-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(-seed)?$/;

/** The id of the host that a peer is on; a peer id is the host id with a UUID in it (wire.md §3.2). */
export function hostIdOfPeer(peerId: string): string {
  return peerId.replace(UUID, "$1");
}

/** Hosts that handed out pieces with wrong content. They are no parents of this host for a while. */
export class BanList {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #banned: Counter;
  /** By host id. */
  readonly #bans: ExpiringMap<true>;

  constructor({ clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#clock = clock;
    this.#log = log;
    this.#bans = new ExpiringMap({ now: () => clock.now(), sizeMax: BANNED_HOSTS_MAX });
    this.#banned = metrics.counter(
      "dragonfly_client_parent_banned_total",
      "Parents that gave pieces with wrong content and are not asked for a while",
    );
  }

  /** Bans the host of a parent. */
  ban(parentId: string, taskId: string): void {
    const hostId = hostIdOfPeer(parentId);
    this.#bans.set(hostId, true, this.#clock.now() + BAN_MS);
    this.#banned.inc();
    this.#log.warn("A parent gave pieces with wrong content and is banned", {
      hostId,
      parentId,
      taskId,
      banMs: BAN_MS,
    });
  }

  /** Whether a host must not be a parent now. */
  has(hostId: string): boolean {
    return this.#bans.has(hostId);
  }
}
