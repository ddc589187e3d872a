import type { Network } from "../../rpc/gen/common/v2/common.ts";
import type { Random } from "../../runtime/random.ts";

/** The weight of a host that does not say how fast it is, in bits per second (wire.md §2.10). */
const WEIGHT_UNKNOWN = 1e10;

/** The part of its bandwidth that even a busy host is worth. */
const WEIGHT_SHARE_MIN = 0.1;

/** How much a host can send besides what it sends, in bits per second (wire.md §2.10). */
export function parentWeight(network: Network | undefined): number {
  const ceiling = network?.maxTxBandwidth ?? 0;
  if (ceiling === 0) return WEIGHT_UNKNOWN;
  return Math.max(ceiling - (network?.txBandwidth ?? 0), ceiling * WEIGHT_SHARE_MIN);
}

/** A parent that has the piece. */
export interface ParentChance {
  readonly weight: number;
  /** Pieces that we are getting from it already. */
  readonly inFlight: number;
}

/**
 * Draws one of the parents that have a piece, each with a chance in proportion to its weight, shared by the pieces it
 * is sending us already: what was announced may be a second old, what is in flight is known now. Uniform when all
 * weights are 0; undefined when there is no parent.
 */
export function chooseParent<P extends ParentChance>(parents: readonly P[], random: Random): P | undefined {
  const chances = parents.map(({ weight, inFlight }) => Math.max(0, weight) / (1 + inFlight));
  const sum = chances.reduce((total, chance) => total + chance, 0);
  if (!(sum > 0)) return parents.length === 0 ? undefined : parents[random.below(parents.length)];
  let draw = random.float() * sum;
  const index = chances.findIndex((chance) => (draw -= chance) < 0);
  return parents[index === -1 ? chances.findLastIndex((chance) => chance > 0) : index];
}
