import { apply, hasMore } from "../scheduler/core/apply.ts";
import type { Chance } from "../core/random_set.ts";
import type { Effect, Event, PeerEvent, PlainPeerMessage } from "../scheduler/core/event.ts";
import { DEFAULT_SETTINGS, type Settings } from "../scheduler/core/settings.ts";
import {
  emptyState,
  type HostFacts,
  type Limits,
  type Peer,
  type State,
  type TaskFacts,
  type Wish,
} from "../scheduler/core/state.ts";

/** The facts of a host with nothing special about it. */
export function hostFacts(id: string, facts: Partial<HostFacts> = {}): HostFacts {
  return {
    id,
    isSeed: false,
    idc: "",
    location: "",
    txBitsPerSecondMax: 1e9,
    cutsAsAsked: false,
    isShared: true,
    announcement: undefined,
    ...facts,
  };
}

/** The wish of a peer that wants a whole blob of 100 pieces. */
export function wish(parts: Partial<Wish> = {}): Wish {
  return {
    priority: 0,
    range: undefined,
    contentLength: 400 << 20,
    pieceLength: 4 << 20,
    pieceCount: 100,
    concurrentPieces: 8,
    needBackToSource: false,
    disableBackToSource: false,
    metadataOnly: false,
    ...parts,
  };
}

function taskFacts(id: string): TaskFacts {
  return {
    id,
    type: 0,
    url: `https://registry.example/${id}`,
    digest: undefined,
    tag: undefined,
    application: undefined,
    filteredQueryParams: [],
  };
}

/** The tick of {@link Swarm.wait}, as often as the scheduler's own. */
const TICK_MS = 200;

/** Hosts and peers that tests drive by hand, in time that tests move. Peer `p` runs on host `p-host`. */
export class Swarm {
  readonly state: State;
  readonly #chance: Chance;
  readonly #streams = new Map<string, number>();
  /** The peer of each stream, by its number. */
  readonly #peerIds = ["?"];
  nowMs = 0;
  /** The effects of the last event. */
  effects: Effect[] = [];
  /** All answers and ends so far, as `peer: what`. */
  readonly log: string[] = [];

  constructor(chance: Chance, settings: Partial<Settings> = {}, limits?: Limits) {
    this.#chance = chance;
    this.state = emptyState({ ...DEFAULT_SETTINGS, ...settings }, 0, limits);
  }

  /** Applies an event, and then what it leaves to the steps that follow at once. */
  apply(event: Event): Effect[] {
    this.effects = apply(this.state, event, this.#chance);
    while (hasMore(this.state)) {
      this.effects.push(...apply(this.state, { type: "carry_on", nowMs: this.nowMs }, this.#chance));
    }
    for (const effect of this.effects) this.log.push(describe(effect, this.#peerIds));
    return this.effects;
  }

  /** A host announces itself; `isRestored` if it is rather the word of an earlier run. */
  host(id: string, facts: Partial<HostFacts> = {}, isRestored = false): void {
    const type = isRestored ? "host_restored" : "host_announced";
    this.apply({ type, nowMs: this.nowMs, facts: hostFacts(id, facts), announceIntervalMs: 300_000 });
  }

  /** Changes settings; the others stay as they are. */
  settings(settings: Partial<Settings>): void {
    this.apply({ type: "settings_changed", nowMs: this.nowMs, settings: { ...this.state.settings, ...settings } });
  }

  seed(id = "seed"): void {
    this.host(`${id}-host`, { isSeed: true });
  }

  /** Registers a peer, on a host that is announced when it is not known yet. */
  register(peerId: string, parts: Partial<Wish> = {}, on: { task?: string; host?: string } = {}): void {
    const hostId = on.host ?? `${peerId}-host`;
    if (!this.state.hosts.has(hostId)) this.host(hostId);
    const streamId = this.#peerIds.push(peerId) - 1;
    this.#streams.set(peerId, streamId);
    this.apply({
      type: "register",
      nowMs: this.nowMs,
      streamId,
      hostId,
      peerId,
      task: taskFacts(on.task ?? "task"),
      wish: wish(parts),
      download: `download of ${peerId}`,
    });
  }

  say(peerId: string, ...types: PlainPeerMessage[]): void {
    for (const type of types) this.message(peerId, { type });
  }

  message(peerId: string, message: PeerMessage): void {
    const streamId = this.#streams.get(peerId) ?? 0;
    this.apply({ nowMs: this.nowMs, peerId, streamId, ...message } as PeerEvent);
  }

  triggerFails(hostId: string, { atSource = false, isUnreachable = false } = {}): void {
    const what = { taskId: "task", hostId, atSource, isUnreachable, download: "download again" };
    this.apply({ type: "seed_trigger_failed", nowMs: this.nowMs, ...what });
  }

  /** Lets time go on, with ticks; stops as soon as `until` holds. Gives the time that passed. */
  wait(ms: number, until: () => boolean = () => false): number {
    const startMs = this.nowMs;
    while (this.nowMs < startMs + ms && !until()) {
      this.nowMs += TICK_MS;
      this.apply({ type: "tick", nowMs: this.nowMs });
    }
    return this.nowMs - startMs;
  }

  peer(id: string): Peer {
    const peer = this.state.peers.get(id);
    if (peer === undefined) throw new Error(`there is no peer ${id}`);
    return peer;
  }

  /** What was said to a peer, in order. */
  heard(peerId: string): string[] {
    return this.log.filter((line) => line.startsWith(`${peerId}: `)).map((line) => line.slice(peerId.length + 2));
  }

  /** The peers that were told `what`. */
  told(what: string): string[] {
    return this.log.filter((line) => line.endsWith(`: ${what}`)).map((line) => line.split(": ")[0] ?? "");
  }
}

/** A message without the parts that say who sent it when. */
type PeerMessage = PeerEvent extends infer E ? E extends PeerEvent ? Omit<E, "nowMs" | "peerId" | "streamId"> : never
  : never;

function describe(effect: Effect, peerIds: readonly string[]): string {
  if (effect.type === "trigger_seed") return `${effect.host.facts.id}: trigger ${String(effect.download)}`;
  if (effect.type === "tell_split") return `${effect.peer.id}: split`;
  const peerId = peerIds[effect.streamId] ?? "?";
  if (effect.type === "close_stream") return `${peerId}: ${effect.error?.code ?? "closed"}`;
  const { decision } = effect;
  if (decision.kind !== "from_parents") return `${peerId}: ${decision.kind}`;
  return `${peerId}: from ${decision.parents.map(({ id }) => id).toSorted().join(" ")}`;
}
