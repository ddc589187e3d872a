import { parseImageReference } from "../../oci/image_reference.ts";
import type { PullRecord } from "./pull_record.ts";
import type { RecordStore, TagAnswer } from "./record_store.ts";

/** Contents of one image that begin later than this after the others have ended belong to another pull of it. */
const PAUSE_MAX_MS = 60_000;
/** A program asks for the first content a moment after it was told the tag, and clocks go in steps. */
const TAG_LEAD_MS = 1_000;
/** Contents of an image; no image has as many. */
const IMAGE_CONTENTS_MAX = 1_000;

/** What was found by a name. */
export interface FoundPulls {
  /** The newest first. */
  readonly pulls: readonly PullRecord[];
  /** What is known of the tag, if the name has one. */
  readonly tag: TagAnswer | undefined;
}

/**
 * The pulls that a name means: those of a content by its digest or task id, the last pull of an image, or all where the
 * name is empty. Throws `invalid_argument` on a name that is none of these.
 */
export function findPulls(
  name: string,
  { store, running }: {
    readonly store: Pick<RecordStore, "pulls" | "lastTag">;
    readonly running: readonly PullRecord[];
  },
  limit: number,
): FoundPulls {
  if (name === "") return { pulls: [...newestFirst(running), ...store.pulls({}, limit)], tag: undefined };
  if (isContentName(name)) {
    const content = name.replace(/^sha256:(?=[0-9a-f]{64}$)/, "");
    const isIt = ({ digest, taskId }: PullRecord) => [digest, taskId].some((id) => id === name || id === content);
    const ended = store.pulls({ content: name }, limit);
    const byId = ended.length > 0 ? ended : store.pulls({ content }, limit);
    const byDigest = byId.length > 0 ? byId : store.pulls({ content: `sha256:${name}` }, limit);
    return { pulls: [...newestFirst(running.filter(isIt)), ...byDigest], tag: undefined };
  }
  const { repository, tag, namespace } = parseImageReference(name);
  const known = /:[^/]+$/.test(name) ? store.lastTag({ repository, tag }) : undefined;
  const since = known === undefined ? {} : { sinceMs: known.answeredAtMs - TAG_LEAD_MS };
  const all = [
    ...newestFirst(running.filter((pull) => pull.repository === repository)),
    ...store.pulls({ repository, ...since }, IMAGE_CONTENTS_MAX),
  ];
  // Docker Hub answers under other names than its own.
  const isNamed = all.some(({ registry }) => registry === namespace);
  const pulls = isNamed ? all.filter(({ registry }) => registry === namespace) : all;
  return { pulls: known === undefined ? lastBurst(pulls) : firstBurst(pulls), tag: known };
}

function isContentName(name: string): boolean {
  return /^(?:[a-z0-9]+:)?[0-9a-f]{32,128}$/.test(name);
}

function newestFirst(pulls: readonly PullRecord[]): PullRecord[] {
  return [...pulls].sort((a, b) => b.startedAtMs - a.startedAtMs);
}

/** Of pulls, newest first, those that went on without a pause until the last one. */
function lastBurst(pulls: readonly PullRecord[]): PullRecord[] {
  const burst: PullRecord[] = [];
  for (const pull of pulls) {
    const after = burst.at(-1);
    if (after !== undefined && after.startedAtMs - endOf(pull) > PAUSE_MAX_MS) break;
    burst.push(pull);
  }
  return burst;
}

/** Those that went on without a pause from the first one on. */
function firstBurst(pulls: readonly PullRecord[]): PullRecord[] {
  const burst: PullRecord[] = [];
  let until = -Infinity;
  for (const pull of pulls.toReversed()) {
    if (burst.length > 0 && pull.startedAtMs - until > PAUSE_MAX_MS) break;
    burst.unshift(pull);
    until = Math.max(until, endOf(pull));
  }
  return burst;
}

function endOf({ startedAtMs, durationMs }: PullRecord): number {
  return startedAtMs + durationMs;
}
