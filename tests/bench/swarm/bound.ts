/** How fast a swarm could be at best. */

/** What the links of a swarm carry, in bytes per second. */
export interface Links {
  readonly nodes: number;
  readonly seeds: number;
  /** Of a node or seed: what it may take, and what it may send. */
  readonly down: number;
  readonly up: number;
  readonly registryUp: number;
}

/** A swarm and what is pulled. */
export interface Burst extends Links {
  readonly bytes: number;
  /** Whether the seeds have all of it before. */
  readonly isWarm: boolean;
  /** Between the beginnings of two nodes; 0 when all begin at once. */
  readonly staggerSeconds: number;
}

/**
 * Seconds that no swarm can do without, from the beginning of the pull of the node with this number (from 0):
 *
 * - every byte comes to the node over its own link: bytes / down;
 * - every byte leaves the registry, or if it is warm the seeds, at least once, which may begin with the first node:
 *   bytes / what those can send, minus the time for which others have been pulling;
 * - where all begin at once, somebody has sent all that all of them got: nodes × bytes / what everybody can send.
 *
 * Links carry headers too, of 66 bytes for 1,448; so what is measured can come to 0.956 of the bound, and no nearer.
 */
export function boundSeconds(burst: Burst, node: number): number {
  const { bytes, nodes, seeds, down, up, registryUp, isWarm, staggerSeconds } = burst;
  const first = isWarm ? seeds * up : registryUp;
  const all = staggerSeconds > 0 ? 0 : nodes * bytes / (registryUp + (seeds + nodes) * up);
  return Math.max(bytes / down, bytes / first - node * staggerSeconds, all);
}

/** The same where every node pulls from the registry, with nobody between. */
export function directBoundSeconds({ bytes, nodes, down, registryUp, staggerSeconds }: Burst): number {
  return Math.max(bytes / down, staggerSeconds > 0 ? 0 : nodes * bytes / registryUp);
}
