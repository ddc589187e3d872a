import type { Pull } from "./burst.ts";
import type { OriginMood } from "./sim_origin.ts";
import type { SimSetup } from "./sim_cluster.ts";

/** Something that goes wrong. Peers are numbered with the seed peers first; times are milliseconds. */
export type Fault =
  & { readonly atMs: number }
  & (
    | { readonly kind: "scheduler_restart"; readonly downMs: number }
    /** The process dies and its connections break; or the power is gone and they do not; or it says goodbye. */
    | { readonly kind: "peer_crash" | "peer_vanish" | "peer_leave"; readonly peer: number }
    /** All its connections break, and it lives on. */
    | { readonly kind: "connections_break"; readonly peer: number }
    /** Its lines are so many times as fast as they were; 0: nothing moves. */
    | { readonly kind: "slow_link"; readonly peer: number; readonly factor: number; readonly forMs: number }
    /** What it gives is wrong, and it vouches for it. */
    | { readonly kind: "lying_peer"; readonly peer: number }
    | { readonly kind: "origin"; readonly mood: OriginMood; readonly forMs: number }
    /** The lines of the origin are so many times as fast as they were. */
    | { readonly kind: "slow_origin"; readonly factor: number; readonly forMs: number }
    /** Peers from this one on are apart from the others, and from the scheduler. The origin is reached by all. */
    | { readonly kind: "partition"; readonly fromPeer: number; readonly forMs: number }
    | { readonly kind: "clock_jump"; readonly ms: number }
  );

/** A cluster, who pulls what when, and what goes wrong meanwhile. */
export interface Scenario {
  readonly setup: SimSetup;
  readonly pulls: readonly Pull[];
  readonly faults: readonly Fault[];
}

/** Every peer pulls every content; `atMs` says when. */
export function everyonePulls(setup: SimSetup, atMs: (peer: number) => number = () => 0): Pull[] {
  return Array.from({ length: setup.peers }, (_, peer) => peer).flatMap((peer) => {
    return setup.sizes.map((_, content) => ({ atMs: atMs(peer), peer, content }));
  });
}

/** Whoever comes later comes after so many times {@link halfway}. */
const LATER_FACTOR = 12;

/** A scenario for a cluster. */
export type NamedScenario = (setup: SimSetup) => Scenario;

/** Half of the time that a burst takes at least, where a fault does the most harm. */
function halfway(setup: SimSetup): number {
  const [line] = setup.peerLines;
  const bytes = setup.sizes.reduce((sum, size) => sum + size, 0);
  return Math.round(bytes * 8 / ((line?.down ?? 1_000) * 1_000) / 2);
}

function burstWith(setup: SimSetup, ...faults: Fault[]): Scenario {
  return { setup, pulls: everyonePulls(setup), faults };
}

/** The scenarios by name: a burst in which something is other than usual. */
export const SCENARIOS: Readonly<Record<string, NamedScenario>> = {
  /** All at once. */
  cold: (setup) => burstWith(setup),
  /** One after the other, ten for each time that one alone would take. */
  stagger: (setup) => ({
    ...burstWith(setup),
    pulls: everyonePulls(setup, (peer) => peer * Math.max(1, Math.round(halfway(setup) / 5))),
  }),
  /** Every other line is a tenth. */
  mixed: (setup) => burstWith({ ...setup, peerLines: [{ up: 1_000, down: 1_000 }, { up: 100, down: 1_000 }] }),
  /** A fast seed peer. */
  fast_seed: (setup) => burstWith({ ...setup, seedLines: { up: 10_000, down: 10_000 } }),
  /** 20 locations behind lines of 2 Gbit/s. */
  racks: (setup) => burstWith({ ...setup, locations: 20, siteLines: { up: 2_000, down: 2_000 } }),
  /** Eight images at once, an eighth of the size each. */
  images: (setup) => {
    const size = Math.ceil((setup.sizes[0] ?? 0) / 8);
    return burstWith({ ...setup, sizes: Array.from({ length: 8 }, () => size) });
  },
  /** Nobody is a seed peer. */
  no_seed: (setup) => burstWith({ ...setup, seedPeers: 0 }),
  /** Four seed peers. */
  several_seeds: (setup) => burstWith({ ...setup, seedPeers: 4 }),
  one_seed_of_several_dies: (setup) => {
    return burstWith({ ...setup, seedPeers: 4 }, { kind: "peer_crash", peer: 0, atMs: halfway(setup) });
  },
  seed_dies_before: (setup) => burstWith(setup, { kind: "peer_crash", peer: 0, atMs: 0 }),
  seed_dies: (setup) => burstWith(setup, { kind: "peer_crash", peer: 0, atMs: halfway(setup) }),
  seed_vanishes: (setup) => burstWith(setup, { kind: "peer_vanish", peer: 0, atMs: halfway(setup) }),
  /** Half of the peers come when the others have everything, and the seed peer is dead. */
  seed_dies_after: (setup) => {
    const laterMs = LATER_FACTOR * halfway(setup);
    return {
      setup,
      pulls: everyonePulls(setup, (peer) => peer % 2 === 0 ? 0 : laterMs),
      faults: [{ kind: "peer_crash", peer: 0, atMs: laterMs - 1 }],
    };
  },
  connections_break: (setup) => {
    const peers = Array.from({ length: setup.seedPeers + setup.peers }, (_, index) => index);
    return burstWith(
      setup,
      ...peers.map((peer) => ({ kind: "connections_break", peer, atMs: halfway(setup) } as const)),
    );
  },
  peer_dies: (setup) => burstWith(setup, { kind: "peer_crash", peer: setup.seedPeers, atMs: halfway(setup) }),
  peer_vanishes: (setup) => burstWith(setup, { kind: "peer_vanish", peer: setup.seedPeers, atMs: halfway(setup) }),
  peer_leaves: (setup) => burstWith(setup, { kind: "peer_leave", peer: setup.seedPeers, atMs: halfway(setup) }),
  peer_stalls: (setup) => {
    return burstWith(setup, { kind: "slow_link", peer: 1, factor: 0, forMs: 15_000, atMs: halfway(setup) });
  },
  peer_is_slow: (setup) => {
    const peer = setup.seedPeers;
    return burstWith(setup, { kind: "slow_link", peer, factor: 0.05, forMs: 600_000, atMs: halfway(setup) });
  },
  peer_lies: (setup) => burstWith(setup, { kind: "lying_peer", peer: setup.seedPeers, atMs: 0 }),
  scheduler_restarts: (setup) => {
    return burstWith(setup, { kind: "scheduler_restart", atMs: halfway(setup), downMs: 1_000 });
  },
  partition: (setup) => {
    const fromPeer = setup.seedPeers + Math.ceil(setup.peers / 2);
    return burstWith(setup, { kind: "partition", fromPeer, atMs: halfway(setup), forMs: 30_000 });
  },
  origin_500: (setup) => {
    const mood = { kind: "refuses", status: 500 } as const;
    return burstWith(setup, { kind: "origin", mood, atMs: 0, forMs: 1_000 });
  },
  origin_429: (setup) => {
    const mood = { kind: "refuses", status: 429, retryAfterS: 1 } as const;
    return burstWith(setup, { kind: "origin", mood, atMs: 0, forMs: 1_000 });
  },
  origin_hangs: (setup) => {
    return burstWith(setup, { kind: "origin", mood: { kind: "hangs" }, atMs: halfway(setup) / 2, forMs: 10_000 });
  },
  origin_breaks: (setup) => {
    const mood = { kind: "breaks", afterBytes: 16 << 20 } as const;
    return burstWith(setup, { kind: "origin", mood, atMs: 0, forMs: 5_000 });
  },
  origin_slow: (setup) => burstWith(setup, { kind: "slow_origin", factor: 0.05, atMs: 0, forMs: 600_000 }),
  clock_jumps: (setup) => burstWith(setup, { kind: "clock_jump", atMs: halfway(setup), ms: -3_600_000 }),
};
