import { errorText } from "../../core/error.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimPeer } from "./sim_peer.ts";

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
  /** Why it failed; a peer that died needs no reason. */
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
    const pulled: Pulled = { pull, peer, firstByteMs: undefined, endMs: undefined, failure: undefined };
    const run = async () => {
      try {
        if (content === undefined) throw new Error(`There is no content ${pull.content}`);
        pulled.firstByteMs = (await peer.pull(content, cluster.setup.pieceLength, never)).firstByteMs;
      } catch (error) {
        pulled.failure = errorText(error);
      }
      pulled.endMs = clock.now() - startMs;
    };
    clock.after(pull.atMs, () => void run());
    return pulled;
  });
}
