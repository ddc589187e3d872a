/** Whether a scheduler uses its seed peers, which a stock one tells nobody: it is asked by pulls. */
import { realClock } from "../../../src/runtime/clock.ts";
import type { Peer } from "../../e2e/lib/components.ts";
import { trafficSince } from "../../e2e/lib/metrics.ts";
import { waitFor } from "../../e2e/lib/wait.ts";

const TIMEOUT_MS = 120_000;
const PROBE_INTERVAL_MS = 2_000;

/** An image that is large enough for the swarm of stock peers. */
export const PROBE_LAYER_BYTES = [10 * 1024 * 1024];

/** Resolves when a pull of something new, which `pullFresh` makes, has sent this seed peer to the source. */
export async function seedUsed(what: string, seed: Peer, pullFresh: () => Promise<unknown>): Promise<void> {
  const clock = realClock();
  await waitFor(`the scheduler's use of ${what}`, TIMEOUT_MS, async (signal) => {
    const before = await seed.downloaded();
    await pullFresh();
    const { fromSource } = trafficSince(before, await seed.downloaded());
    if (fromSource === 0) await clock.sleep(PROBE_INTERVAL_MS, signal);
    return fromSource > 0 || undefined;
  });
}
