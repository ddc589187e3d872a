import { errorText } from "../../core/error.ts";
import type { SimCluster } from "./sim_cluster.ts";
import { type SimPeer, WrongBytes } from "./sim_peer.ts";

/** A container runtime asks again so often, and pauses so long before. */
const ATTEMPTS_MAX = 20;
const RETRY_PAUSE_MS = 1_000;

/** One pull of one content by one peer. */
export interface Pull {
  readonly atMs: number;
  /** Among the normal peers. */
  readonly peer: number;
  readonly content: number;
}

/** How a pull went; times are virtual, from the beginning of the run. */
export interface Pulled {
  readonly pull: Pull;
  readonly peer: SimPeer;
  firstByteMs: number | undefined;
  endMs: number | undefined;
  /** Attempts that came to nothing. */
  failures: number;
  /** Why the last of them failed; a peer that died needs no reason. */
  failure: string | undefined;
}

/** Begins pulls at their times; the result fills as they end. */
export function startPulls(cluster: SimCluster, pulls: readonly Pull[]): Pulled[] {
  const { clock } = cluster;
  const startMs = clock.now();
  const peers = cluster.normalPeers;
  const never = new AbortController().signal;
  return pulls.map((pull) => {
    const peer = peers[pull.peer] as SimPeer;
    const content = cluster.contents[pull.content];
    const pulled: Pulled = { pull, peer, firstByteMs: undefined, endMs: undefined, failures: 0, failure: undefined };
    const run = async () => {
      for (let attempt = 1; attempt <= ATTEMPTS_MAX && !peer.isDead; attempt++) {
        try {
          if (attempt > 1) await clock.sleep(RETRY_PAUSE_MS, never);
          if (content === undefined) throw new Error(`There is no content ${pull.content}`);
          await peer.pull(
            content,
            cluster.setup.pieceLength,
            () => pulled.firstByteMs ??= clock.now() - startMs - pull.atMs,
          );
          pulled.failure = undefined;
          break;
        } catch (error) {
          pulled.failures++;
          pulled.failure = errorText(error);
          if (error instanceof WrongBytes) break;
        }
      }
      pulled.endMs = clock.now() - startMs;
    };
    clock.after(pull.atMs, () => void run());
    return pulled;
  });
}
