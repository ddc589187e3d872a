import { parseImageReference } from "../../oci/image_reference.ts";
import type { PullRecord } from "./pull_record.ts";
import type { RecordStore, TagAnswer } from "./record_store.ts";

/** Contents of one image that begin later than this after the others have ended belong to another pull of it. */
const PAUSE_MAX_MS = 60_000;
/** A program asks for the first content a moment after it was told the tag, and clocks go in steps. */
const TAG_LEAD_MS = 1_000;
/** Answers to a tag that are looked at for a pull: mostly a runtime asks for a tag, and has it all. */
const TAG_ANSWERS_MAX = 50;
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
  { store, unstored }: {
    readonly store: Pick<RecordStore, "pulls" | "tagAnswers">;
    /** Those that run, or have ended and could not be written. */
    readonly unstored: readonly PullRecord[];
  },
  limit: number,
): FoundPulls {
  const recent = newestFirst(unstored);
  if (name === "") return { pulls: limited([...recent, ...store.pulls({}, limit)], limit), tag: undefined };
  if (isContentName(name)) {
    const content = name.replace(/^sha256:(?=[0-9a-f]{64}$)/, "");
    const isIt = ({ digest, taskId }: PullRecord) => [digest, taskId].some((id) => id === name || id === content);
    const ended = store.pulls({ content: name }, limit);
    const byId = ended.length > 0 ? ended : store.pulls({ content }, limit);
    const byDigest = byId.length > 0 ? byId : store.pulls({ content: `sha256:${name}` }, limit);
    return { pulls: limited([...recent.filter(isIt), ...byDigest], limit), tag: undefined };
  }
  const { repository, tag, namespace } = parseImageReference(name);
  const answers = /:[^/]+$/.test(name) ? store.tagAnswers({ repository, tag }, TAG_ANSWERS_MAX) : [];
  const oldest = answers.at(-1);
  const since = oldest === undefined ? {} : { sinceMs: oldest.answeredAtMs - TAG_LEAD_MS };
  const all = newestFirst([
    ...recent.filter((pull) => pull.repository === repository),
    ...store.pulls({ repository, ...since }, IMAGE_CONTENTS_MAX),
  ]);
  // Docker Hub answers under other names than its own.
  const isNamed = all.some(({ registry }) => registry === namespace);
  const pulls = isNamed ? all.filter(({ registry }) => registry === namespace) : all;
  const bursts = oldest === undefined ? burstsOf(pulls).reverse() : answers.map((one) => burstAfter(pulls, one));
  return { pulls: limited(bursts.find(({ length }) => length > 0) ?? [], limit), tag: answers[0] };
}

function isContentName(name: string): boolean {
  return /^(?:[a-z0-9]+:)?[0-9a-f]{32,128}$/.test(name);
}

function newestFirst(pulls: readonly PullRecord[]): PullRecord[] {
  return [...pulls].sort((a, b) => b.startedAtMs - a.startedAtMs);
}

/** Pulls, newest first, as those that went on without a pause; the oldest of these come first. */
function burstsOf(pulls: readonly PullRecord[]): PullRecord[][] {
  const bursts: PullRecord[][] = [];
  let until = -Infinity;
  for (const pull of pulls.toReversed()) {
    const burst = bursts.at(-1);
    // A long one may still go on while short ones begin and end: what counts is the last end of all before.
    if (burst === undefined || pull.startedAtMs - until > PAUSE_MAX_MS) bursts.push([pull]);
    else burst.unshift(pull);
    until = Math.max(until, endOf(pull));
  }
  return bursts;
}

/** What followed an answer to a tag; nothing when the runtime had it all, and asked for no content. */
function burstAfter(pulls: readonly PullRecord[], { answeredAtMs }: TagAnswer): PullRecord[] {
  const [burst] = burstsOf(pulls.filter(({ startedAtMs }) => startedAtMs >= answeredAtMs - TAG_LEAD_MS));
  const beganAtMs = burst?.at(-1)?.startedAtMs ?? Infinity;
  return beganAtMs - answeredAtMs > PAUSE_MAX_MS ? [] : burst ?? [];
}

/** All that run, and of those that have ended the newest. */
function limited(pulls: readonly PullRecord[], limit: number): PullRecord[] {
  let left = limit;
  return pulls.filter(({ isRunning }) => isRunning || left-- > 0);
}

function endOf({ startedAtMs, durationMs }: PullRecord): number {
  return startedAtMs + durationMs;
}
