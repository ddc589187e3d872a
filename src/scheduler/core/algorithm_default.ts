/**
 * Dragonfly's algorithm "default", as it is (wire.md §4.6, §4.7): for clusters that want its choices. What it leaves out
 * is in `algorithm_swarm.ts`.
 */
import { hostTypeScore, idcScore, isOutlier, locationScore, type Ranked } from "./evaluate.ts";
import type { Host, Peer } from "./state.ts";

const WEIGHT = { load: 0.6, idc: 0.2, location: 0.1, hostType: 0.1 };
const LOAD_WEIGHT = { peak: 0.5, duration: 0.3, concurrency: 0.2 };
/** Of tasks without a source. */
const PERSISTENT_WEIGHT = { idc: 0.7, location: 0.3 };
/** `TaskType` STANDARD (wire.md §1.1). */
const STANDARD = 0;
/** What a host has promised to send scores nothing from so many seconds of its bandwidth on. */
const DURATION_SECONDS_MAX = 60;
/** One piece at a time is expected of so many bytes per second. */
const BYTES_PER_SECOND_OF_PIECE = 16 << 20;

/** The parents that pass Dragonfly's filter, the best first. */
export function rankByDefault(sample: readonly Peer[], child: Peer): Ranked[] {
  return sample
    .filter(({ costs }) => !isOutlier(costs))
    .map((parent) => ({ parent, near: 0, score: defaultScore(parent, child) }))
    .sort((a, b) => b.score - a.score);
}

/** How good a parent is for a child, from 0 to 1. */
export function defaultScore(parent: Peer, child: Peer): number {
  const idc = idcScore(parent.host.facts.idc, child.host.facts.idc);
  const location = locationScore(parent.host.facts.location, child.host.facts.location);
  if (child.task.facts.type !== STANDARD) return PERSISTENT_WEIGHT.idc * idc + PERSISTENT_WEIGHT.location * location;
  return WEIGHT.load * loadScore(parent.host) + WEIGHT.idc * idc + WEIGHT.location * location +
    WEIGHT.hostType * hostTypeScore(parent);
}

function loadScore({ facts: { txBitsPerSecondMax }, txBitsPerSecond, uploadBytes, uploadPieces }: Host): number {
  if (txBitsPerSecondMax === 0) return 0;
  const peak = Math.max(0, 1 - txBitsPerSecond / txBitsPerSecondMax);
  const duration = Math.max(0, 1 - uploadBytes * 8 / txBitsPerSecondMax / DURATION_SECONDS_MAX);
  const concurrency = concurrencyScore(txBitsPerSecondMax / 8 / BYTES_PER_SECOND_OF_PIECE, uploadPieces);
  return LOAD_WEIGHT.peak * peak + LOAD_WEIGHT.duration * duration + LOAD_WEIGHT.concurrency * concurrency;
}

function concurrencyScore(piecesAtOnce: number, uploadPieces: number): number {
  if (piecesAtOnce <= 1) return 0;
  return uploadPieces <= piecesAtOnce ? 1 : piecesAtOnce / uploadPieces;
}
