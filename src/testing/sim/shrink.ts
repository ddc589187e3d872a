import type { Scenario } from "./scenario.ts";

/**
 * The smallest scenario that can be reached from one that fails by leaving things out, and still fails. `isWrong` runs
 * one; it is called `runsMax` times at most.
 */
export async function shrink(
  scenario: Scenario,
  isWrong: (scenario: Scenario) => Promise<boolean>,
  runsMax = 100,
): Promise<Scenario> {
  let smallest = scenario;
  let left = runsMax;
  for (let isShrinking = true; isShrinking;) {
    isShrinking = false;
    for (const smaller of smallerThan(smallest)) {
      if (left-- <= 0) return smallest;
      if (!await isWrong(smaller)) continue;
      smallest = smaller;
      isShrinking = true;
      break;
    }
  }
  return smallest;
}

/** The same with one thing less, the largest steps first. */
function* smallerThan({ setup, pulls, faults }: Scenario): Generator<Scenario> {
  for (const index of faults.keys()) yield { setup, pulls, faults: faults.toSpliced(index, 1) };
  if (pulls.length > 1) {
    const half = Math.ceil(pulls.length / 2);
    yield { setup, pulls: pulls.slice(0, half), faults };
    yield { setup, pulls: pulls.slice(half), faults };
  }
  const peers = 1 + pulls.reduce((last, { peer }) => Math.max(last, peer), 0);
  const areNamed = faults.every((fault) => !("peer" in fault) || fault.peer < setup.seedPeers + peers);
  if (peers < setup.peers && areNamed) yield { setup: { ...setup, peers }, pulls, faults };
  const contents = 1 + pulls.reduce((last, { content }) => Math.max(last, content), 0);
  if (contents < setup.sizes.length) {
    yield { setup: { ...setup, sizes: setup.sizes.slice(0, contents) }, pulls, faults };
  }
  for (const [index, size] of setup.sizes.entries()) {
    if (size > 1) yield { setup: { ...setup, sizes: setup.sizes.with(index, Math.ceil(size / 2)) }, pulls, faults };
  }
  if (setup.siteLines !== undefined) yield { setup: { ...setup, siteLines: undefined }, pulls, faults };
  if (setup.locations > 1) yield { setup: { ...setup, locations: 1, siteLines: undefined }, pulls, faults };
  for (const index of pulls.length > 12 ? [] : pulls.keys()) {
    if (pulls.length > 1) yield { setup, pulls: pulls.toSpliced(index, 1), faults };
  }
  if (pulls.some(({ atMs }) => atMs > 0)) yield { setup, pulls: pulls.map((pull) => ({ ...pull, atMs: 0 })), faults };
}
