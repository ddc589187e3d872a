/** What becomes of a warm image: functions from what is stored, what happened and the time to what is stored then. */
import type { Random } from "../../runtime/random.ts";
import type { WarmImage, WarmImageDeclaration, WarmImageProgress } from "../store/warm_images.ts";
import { backoffMs, jittered } from "./backoff.ts";
import { parseCron } from "./cron.ts";
import type { JobOutcome } from "./job_outcome.ts";

/** For so long one manager has a warm image for itself; if it dies, another one goes on then. */
export const CLAIM_MS = 2 * 60_000;
/** How often a job that runs is looked at, and whether there is room for one more. */
export const WATCH_MS = 4_000;
/** Jobs that a warm image remembers. */
const JOB_IDS_MAX = 10;

/** What is done next with a warm image. */
export type Step = "nothing" | "check" | "run";

/** When, and the chance that spreads what would come all at once. */
export interface Moment {
  /** Wall time. */
  readonly nowMs: number;
  readonly random: Random;
}

/** When something is declared. */
export interface DeclarationMoment extends Moment {
  /** When the newest of all warm images was declared, by the clock of whichever manager that was; 0 for none. */
  readonly newestMs: number;
}

type Patch = Partial<WarmImageProgress>;
type Schedule = Pick<WarmImageDeclaration, "cron" | "timeZone">;

/** A change of what is declared: which of it is another than before. */
export interface Redeclared {
  readonly args: boolean;
  /** `cron` or its zone. */
  readonly cron: boolean;
  readonly follow: boolean;
  /** Whether, and in which clusters, hosts that join are brought to it. */
  readonly hosts: boolean;
  readonly isPaused: boolean;
}

const NEW: Redeclared = { args: true, cron: true, follow: true, hosts: true, isPaused: true };

/** How a new warm image begins. */
export function firstProgress(declaration: WarmImageDeclaration, moment: DeclarationMoment): WarmImageProgress {
  const nothing: WarmImageProgress = {
    ...{ dueAtMs: 0, runAtMs: 0, checkAtMs: 0, declaredAtMs: 0, lastRunAtMs: 0, jobId: 0, jobIds: [], lastState: "" },
    ...{ runError: "", runFailures: 0, skipped: 0, seenDigest: "", warmDigest: "", checkError: "", checkFailures: 0 },
  };
  return { ...nothing, ...redeclared({ ...declaration, ...nothing }, NEW, moment) };
}

/**
 * What follows from a change of what is declared, which `image` has already. What was missed while it was paused is not
 * made up for.
 */
export function redeclared(
  image: WarmImageDeclaration & WarmImageProgress,
  changed: Redeclared,
  { nowMs, newestMs }: DeclarationMoment,
): Patch {
  if (!Object.values(changed).includes(true)) return {};
  const isAnew = changed.args || changed.isPaused;
  const patch: Patch = {
    ...(isAnew || changed.cron ? { runAtMs: nextTick(image, nowMs) } : {}),
    ...(isAnew || changed.follow ? { checkAtMs: image.followIntervalMs > 0 ? nowMs : 0 } : {}),
    // Later than all others, whatever clocks say: hosts that have these would be taken to have this one too.
    ...(isAnew || changed.hosts ? { declaredAtMs: Math.max(nowMs, newestMs + 1) } : {}),
    ...(changed.args
      ? { seenDigest: "", warmDigest: "", runError: "", runFailures: 0, checkError: "", checkFailures: 0 }
      : {}),
  };
  return withDue({ ...image, ...patch }, patch, nowMs, 0);
}

/** Takes a warm image that is due, for one manager of those that see it. */
export function claimed({ dueAtMs }: WarmImage, nowMs: number): Patch | undefined {
  return dueAtMs > 0 && dueAtMs <= nowMs ? { dueAtMs: nowMs + CLAIM_MS } : undefined;
}

/** What is to be done now. */
export function stepOf(
  { jobId, isPaused, runAtMs, checkAtMs }: Pick<WarmImage, "jobId" | "isPaused" | "runAtMs" | "checkAtMs">,
  nowMs: number,
): Step {
  if (jobId !== 0 || isPaused) return "nothing";
  if (isDue(runAtMs, nowMs)) return "run";
  return isDue(checkAtMs, nowMs) ? "check" : "nothing";
}

/** How far its job is; `undefined` when it has none. A run whose time comes while the one before runs is left out. */
export function looked(image: WarmImage, end: JobOutcome | undefined, moment: Moment): Patch {
  const { nowMs } = moment;
  if (image.jobId === 0 || end === undefined) return withDue(image, {}, nowMs);
  if (end.state !== "PENDING") {
    const patch = ended(image, end, moment);
    return withDue({ ...image, ...patch }, patch, nowMs);
  }
  const patch = isDue(image.runAtMs, nowMs) ? { skipped: image.skipped + 1, runAtMs: nextTick(image, nowMs) } : {};
  return withDue({ ...image, ...patch }, patch, nowMs);
}

function ended(image: WarmImage, { state, error, isUnwanted }: JobOutcome, moment: Moment): Patch {
  if (state === "SUCCESS") {
    return { jobId: 0, lastState: state, runError: "", runFailures: 0, warmDigest: image.seenDigest };
  }
  const failed = { jobId: 0, lastState: "FAILURE" as const, runError: error };
  // Who removes or cancels a job does not want it again before its time.
  return isUnwanted ? failed : { ...failed, ...retry(image, moment) };
}

/** A job was ordered. */
export function begun(image: WarmImage, jobId: number, { nowMs }: Moment): Patch {
  const jobIds = [jobId, ...image.jobIds].slice(0, JOB_IDS_MAX);
  const patch = { jobId, jobIds, lastRunAtMs: nowMs, lastState: "PENDING" as const, runAtMs: nextTick(image, nowMs) };
  return withDue({ ...image, ...patch }, patch, nowMs);
}

/** No job could be ordered. */
export function refused(image: WarmImage, error: string, moment: Moment): Patch {
  const { nowMs } = moment;
  const failed = { lastRunAtMs: nowMs, lastState: "FAILURE" as const, runError: error };
  const patch = { ...failed, ...retry(image, moment) };
  return withDue({ ...image, ...patch }, patch, nowMs);
}

/** There is no room for one more job. */
export function postponed({ nowMs }: Moment): Patch {
  return { dueAtMs: nowMs + WATCH_MS };
}

/** The tag was asked for: a new digest is to be warmed. A registry that fails is asked less and less often. */
export function checked(
  image: WarmImage,
  outcome: { readonly digest: string } | { readonly error: string },
  { nowMs, random }: Moment,
): Patch {
  const { followIntervalMs } = image;
  let patch: Patch;
  if ("error" in outcome) {
    const checkFailures = image.checkFailures + 1;
    const checkAtMs = nowMs + backoffMs(checkFailures + 1, random, { firstMs: followIntervalMs });
    patch = { checkAtMs, checkFailures, checkError: outcome.error };
  } else {
    const { digest } = outcome;
    const checkAtMs = nowMs + jittered(followIntervalMs, random);
    patch = { checkAtMs, checkFailures: 0, checkError: "", seenDigest: digest };
    if (digest !== image.seenDigest) patch = { ...patch, runAtMs: nowMs };
  }
  return withDue({ ...image, ...patch }, patch, nowMs);
}

/** Asks for a run at once. */
export function runNow(image: WarmImage, { nowMs }: Moment): Patch {
  return withDue({ ...image, runAtMs: nowMs }, { runAtMs: nowMs }, nowMs, 0);
}

function retry(image: WarmImage, { nowMs, random }: Moment): Pick<WarmImageProgress, "runFailures" | "runAtMs"> {
  const runFailures = image.runFailures + 1;
  return { runFailures, runAtMs: earliest(nextTick(image, nowMs), nowMs + backoffMs(runFailures, random)) };
}

function nextTick({ cron, timeZone }: Schedule, nowMs: number): number {
  return cron === "" ? 0 : parseCron(cron, timeZone).after(nowMs);
}

/**
 * `patch`, and when `image`, which is as it makes it, is looked at next: one that has work to do is the claimer's for
 * `claimMs`, in which he does it.
 */
function withDue(
  image: WarmImageDeclaration & WarmImageProgress,
  patch: Patch,
  nowMs: number,
  claimMs = CLAIM_MS,
): Patch {
  if (image.jobId !== 0) return { ...patch, dueAtMs: nowMs + WATCH_MS };
  if (image.isPaused) return { ...patch, dueAtMs: 0 };
  if (stepOf(image, nowMs) !== "nothing") return { ...patch, dueAtMs: nowMs + claimMs };
  return { ...patch, dueAtMs: earliest(image.runAtMs, image.checkAtMs) };
}

function isDue(atMs: number, nowMs: number): boolean {
  return atMs > 0 && atMs <= nowMs;
}

/** The earlier of two times; 0 is none. */
function earliest(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);
}
