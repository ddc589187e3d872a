/** Pulls that are in their middle for as long as a test wants: some bytes have come, and the registry holds the rest. */
import { Abandon, waitFor } from "../../e2e/lib/wait.ts";
import type { Cluster } from "./cluster.ts";
import type { PushedImage } from "./images.ts";
import { pullByMirror } from "./pull.ts";
import { together } from "./together.ts";

const FIRST_BYTES_TIMEOUT_MS = 60_000;
/** 12.5 MiB when compressed: three pieces of a stock peer, and a part of one. */
const LAYER_BYTES = [25 * 1024 * 1024];
/** More than the config, which does not pass through the swarm in Dragonfly. */
const CONFIG_BYTES_MAX = 16 * 1024;

/** Pulls that have begun. */
export interface HeldPulls extends AsyncDisposable {
  readonly image: PushedImage;
  /** Lets the registry go on, and resolves when these peers' pulls are done. Rejects with the first failure. */
  finish(names: readonly string[]): Promise<void>;
}

/**
 * The first peer begins to pull a new image, and when the registry holds its layer the others do. Resolves when bytes
 * of the layer have come to each of them.
 */
export async function beginPulls(cluster: Cluster, first: string, others: readonly string[]): Promise<HeldPulls> {
  const image = await cluster.lab.images.fresh(LAYER_BYTES);
  const hold = cluster.lab.tap.hold(image.layers[0]?.digest ?? "");
  const pulls = new Map<string, Promise<unknown>>();
  const begin = (name: string) => {
    let begun: true | undefined;
    const onBytes = (bytes: number) => {
      if (bytes > CONFIG_BYTES_MAX) begun = true;
    };
    const pull = pullByMirror(image, cluster.route(name), { onBytes });
    let failure: Error | undefined;
    pull.catch((error) => failure = error); // and seen by finish()
    pulls.set(name, pull);
    return waitFor(`the first bytes of a layer on ${name}`, FIRST_BYTES_TIMEOUT_MS, () => {
      if (failure !== undefined) throw new Abandon(failure);
      return begun;
    });
  };
  try {
    const firstBegun = begin(first);
    await together<unknown>([firstBegun, hold.reached()]);
    await together(others.map(begin));
  } catch (error) {
    hold[Symbol.dispose]();
    await Promise.allSettled(pulls.values());
    throw error;
  }
  return {
    image,
    finish: async (names) => {
      hold.release();
      await Promise.all(names.map((name) => pulls.get(name)));
    },
    [Symbol.asyncDispose]: async () => {
      hold[Symbol.dispose]();
      await Promise.allSettled(pulls.values());
    },
  };
}
