import type { Random } from "../../runtime/random.ts";
import { seededRandom } from "../seeded_random.ts";
import type { Pull } from "./burst.ts";
import type { Fault, Scenario } from "./scenario.ts";
import { type Lines, PLAIN_SETUP, type SimSetup } from "./sim_cluster.ts";
import type { OriginMood } from "./sim_origin.ts";

const MIB = 1024 * 1024;
const PEERS_MAX = 8;
const BYTES_MAX = 8 * MIB;
const FAULTS_MAX = 3;
/** Pulls and faults begin within so many milliseconds. */
const SPREAD_MS = 4_000;

/** A small cluster by chance, with pulls and faults; the same for the same seed. */
export function randomScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const setup = randomSetup(random, seed);
  return { setup, pulls: randomPulls(random, setup), faults: randomFaults(random, setup) };
}

function randomSetup(random: Random, seed: number): SimSetup {
  const locations = 1 + random.below(3);
  const isShared = locations > 1 && random.below(2) === 0;
  return {
    ...PLAIN_SETUP,
    seed,
    peers: 1 + random.below(PEERS_MAX),
    seedPeers: random.below(3),
    sizes: Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(BYTES_MAX)),
    peerLines: Array.from({ length: 1 + random.below(3) }, () => randomLines(random)),
    seedLines: randomLines(random),
    originLines: randomLines(random),
    locations,
    siteLines: isShared ? randomLines(random) : undefined,
    latencies: { nearMs: 0.2 + 2 * random.float(), farMs: 1 + 40 * random.float() },
    algorithm: oneOf(random, ["swarm", "swarm", "default"] as const),
    pieceLengthRule: oneOf(random, ["damselfly", "damselfly", "dragonfly"] as const),
  };
}

function randomLines(random: Random): Lines {
  const mbits = () => Math.round(50 * 20 ** random.float());
  return { up: mbits(), down: mbits() };
}

function randomPulls(random: Random, { peers, sizes }: SimSetup): Pull[] {
  const isBurst = random.below(2) === 0;
  const atMs = () => isBurst ? 0 : random.below(SPREAD_MS);
  const pulls = Array.from({ length: peers }, (_, peer) => peer).flatMap((peer) => {
    return sizes.map((_, content) => ({ atMs: atMs(), peer, content }));
  });
  return pulls.filter((pull, index) => index === 0 || pull.atMs >= 0 && random.below(8) > 0);
}

function randomFaults(random: Random, setup: SimSetup): Fault[] {
  return Array.from({ length: random.below(FAULTS_MAX + 1) }, () => randomFault(random, setup));
}

function randomFault(random: Random, { peers, seedPeers }: SimSetup): Fault {
  const atMs = random.below(SPREAD_MS);
  const peer = random.below(peers + seedPeers);
  const forMs = 1 + random.below(15_000);
  switch (random.below(12)) {
    case 0:
      return { kind: "scheduler_restart", atMs, downMs: 1 + random.below(5_000) };
    case 1:
      return { kind: "peer_crash", peer, atMs };
    case 2:
      return { kind: "peer_vanish", peer, atMs };
    case 3:
      return { kind: "peer_leave", peer, atMs };
    case 4:
      return { kind: "slow_link", peer, factor: 0, forMs, atMs };
    case 5:
      return { kind: "slow_link", peer, factor: 0.01 + random.float() / 4, forMs, atMs };
    case 6:
      return { kind: "lying_peer", peer, atMs };
    case 7:
      return { kind: "origin", mood: randomMood(random), forMs, atMs };
    case 8:
      return { kind: "slow_origin", factor: 0.01 + random.float() / 4, forMs, atMs };
    case 9:
      return { kind: "partition", fromPeer: 1 + random.below(peers + seedPeers), forMs, atMs };
    case 10:
      return { kind: "connections_break", peer, atMs };
    default:
      return { kind: "clock_jump", ms: random.below(7_200_000) - 3_600_000, atMs };
  }
}

function randomMood(random: Random): OriginMood {
  switch (random.below(4)) {
    case 0:
      return { kind: "refuses", status: oneOf(random, [429, 500, 502, 503] as const) };
    case 1:
      return { kind: "refuses", status: 429, retryAfterS: 1 + random.below(10) };
    case 2:
      return { kind: "hangs" };
    default:
      return { kind: "breaks", afterBytes: random.below(4 * MIB) };
  }
}

function oneOf<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[random.below(values.length)] ?? values[0];
}
