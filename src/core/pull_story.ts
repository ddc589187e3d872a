/**
 * What happened while a content was pulled. `source_*` are answers of the source: one that was had, one that was too
 * busy (429 and 5xx), one that wanted a sign-in first (401 and 403), one that TLS kept from us, any other failure.
 * `seed_awaited` is a decision that a scheduler, which lives, made late: it waits for a seed peer, or another host, to
 * begin. `held`, `disk` and `parents_waiting` are what a bandwidth limit of ours, slow writes, and parents that had nothing new yet have
 * cost in all.
 */
export const PULL_EVENT_KINDS = [
  ...["source_answer", "source_busy", "source_denied", "source_tls", "source_failure"] as const,
  ...["no_scheduler", "no_manager", "scheduler_silent", "scheduler_failure", "decision", "seed_awaited"] as const,
  ...["to_parents", "to_source", "first_piece"] as const,
  ...["parent_stalled", "parent_failed", "parent_lied", "parents_waiting"] as const,
  ...["held", "disk", "seal"] as const,
];
export type PullEventKind = typeof PULL_EVENT_KINDS[number];

/** One thing that happened. */
export interface PullEvent {
  readonly kind: PullEventKind;
  /** When it ended, in milliseconds since the pull began; below 0 for what came before, for the same content. */
  readonly atMs: number;
  /** For how long it was waited, in milliseconds; 0 for what took no time. */
  readonly ms: number;
  /** Whom it is about, such as the address of a parent; may be empty. */
  readonly subject: string;
  /** What else is known, in words; may be empty. */
  readonly detail: string;
}

/** A host that gave pieces, or was to. */
export interface PullParent {
  readonly peerId: string;
  readonly hostId: string;
  readonly hostname: string;
  readonly ip: string;
  readonly idc: string;
  readonly isSeed: boolean;
  readonly pieces: number;
  readonly bytes: number;
}

/** As much of a pull as its time can be explained by. */
export interface PullStory {
  /** Until now for one that runs. */
  readonly durationMs: number;
  readonly originBytes: number;
  readonly parents: readonly PullParent[];
  readonly events: readonly PullEvent[];
}

/** What made a pull slow; `nothing` when nothing stands out. */
export type PullCause =
  | "nothing"
  | "slow_origin"
  | "busy_origin"
  | "failing_origin"
  | "sign_in"
  | "tls"
  | "stalled_parent"
  | "failed_parent"
  | "lying_parent"
  | "dead_seed"
  | "slow_parents"
  | "scheduler"
  | "no_scheduler"
  | "no_manager"
  | "rate_limit"
  | "slow_disk";

/** The cause of most of the time that was lost. */
export interface PullVerdict {
  readonly cause: PullCause;
  /** Milliseconds that it cost. */
  readonly lostMs: number;
  /** One sentence without a full stop. */
  readonly reason: string;
}

/** Less is not worth a word. */
const LOST_MS_MIN = 500;
/** Of the time of a pull; what takes less explains nothing. */
const LOST_SHARE_MIN = 0.1;
/** What a decision, a first piece or a seal may take in a healthy cluster. */
const USUAL_MS = 300;
/** What costs all the rest of a pull, however little time it took itself. */
const FINAL: ReadonlySet<PullEventKind> = new Set(["parent_lied", "no_scheduler", "no_manager"]);
/** What explains more than its own time: a pause follows, or the pull goes on without the swarm. */
const TELLING: ReadonlySet<PullEventKind> = new Set([
  ...["source_busy", "source_denied", "source_tls", "source_failure", "scheduler_failure"] as const,
]);
/** A lie costs more than a wait: all bytes of the pull are in doubt. */
const ALWAYS_TOLD: ReadonlySet<PullCause> = new Set(["lying_parent"]);
/** Events that are sums of many small waits, some of them at the same time as others. */
const SUMS: ReadonlySet<PullEventKind> = new Set(["held", "disk", "parents_waiting"]);

/** Names what made a pull slow: of the waits that are known the longest, and of what is left the transfer itself. */
export function pullVerdict(story: PullStory): PullVerdict {
  const waits = waitsOf(story);
  const waitedMs = waits.reduce((sum, { lostMs }) => sum + lostMs, 0);
  const told = waits.find(({ cause }) => ALWAYS_TOLD.has(cause));
  if (told !== undefined) return told;
  const all = [...waits, transferOf(story, Math.max(0, story.durationMs - waitedMs))];
  const worst = all.reduce((a, b) => b.lostMs > a.lostMs ? b : a);
  const isWorthAWord = worst.lostMs >= Math.max(LOST_MS_MIN, LOST_SHARE_MIN * story.durationMs);
  return isWorthAWord ? worst : { cause: "nothing", lostMs: 0, reason: "nothing stood out" };
}

/** How much of an explanation an event is: where not all can be kept, those that are most go last. */
export function weightOf({ kind, ms }: Pick<PullEvent, "kind" | "ms">): number {
  if (FINAL.has(kind)) return Infinity;
  return TELLING.has(kind) ? Number.MAX_VALUE : ms;
}

function waitsOf({ parents, events, durationMs }: PullStory): PullVerdict[] {
  const seeds = new Set(parents.filter(({ isSeed }) => isSeed).map(({ ip }) => ip));
  let slowAnswer: PullEvent | undefined;
  const totals = new Map<PullCause, CauseTotal>();
  for (const [index, noted] of events.entries()) {
    if (noted.kind === "source_answer" && noted.ms >= LOST_MS_MIN) slowAnswer = noted;
    // Seed peers ask the same source, and are not to blame for it.
    const event = slowAnswer !== undefined && isSeedLate(noted, seeds) ? { ...slowAnswer, ...timesOf(noted) } : noted;
    const cause = causeOf(event, seeds);
    if (cause === undefined) continue;
    const before = totals.get(cause) ?? { lostMs: 0, untilMs: -Infinity, worst: event, worstMs: 0 };
    const { startMs, endMs } = costOf(event, events.slice(index + 1), durationMs);
    const isSum = SUMS.has(event.kind);
    const lostMs = before.lostMs + Math.max(0, endMs - (isSum ? startMs : Math.max(startMs, before.untilMs)));
    const untilMs = isSum ? before.untilMs : Math.max(before.untilMs, endMs);
    const isWorst = endMs - startMs >= before.worstMs;
    const { worst, worstMs } = isWorst ? { worst: event, worstMs: endMs - startMs } : before;
    totals.set(cause, { lostMs, untilMs, worst, worstMs });
  }
  return [...totals].map(([cause, { lostMs, worst }]) => ({ cause, lostMs, reason: reasonOf(cause, worst, lostMs) }));
}

/** What is known of one cause so far. */
interface CauseTotal {
  readonly lostMs: number;
  readonly untilMs: number;
  /** The event that cost most: the reason is about that one. */
  readonly worst: PullEvent;
  readonly worstMs: number;
}

function isSeedLate({ kind, subject }: PullEvent, seeds: ReadonlySet<string>): boolean {
  return kind === "seed_awaited" || (kind === "first_piece" && seeds.has(subject));
}

function timesOf({ atMs, ms }: PullEvent): Pick<PullEvent, "atMs" | "ms"> {
  return { atMs, ms };
}

/** What an event is a sign of; undefined when of nothing. */
function causeOf({ kind, subject }: PullEvent, seeds: ReadonlySet<string>): PullCause | undefined {
  switch (kind) {
    case "source_answer":
      return "slow_origin";
    case "source_busy":
      return "busy_origin";
    case "source_denied":
      return "sign_in";
    case "source_tls":
      return "tls";
    case "source_failure":
      return "failing_origin";
    case "parent_stalled":
      return seeds.has(subject) ? "dead_seed" : "stalled_parent";
    case "parent_failed":
      return seeds.has(subject) ? "dead_seed" : "failed_parent";
    case "first_piece":
      return seeds.has(subject) ? "dead_seed" : "slow_parents";
    case "seed_awaited":
      return "dead_seed";
    case "parents_waiting":
      return seeds.has(subject) ? "slow_origin" : "slow_parents";
    case "parent_lied":
      return "lying_parent";
    case "decision":
    case "scheduler_silent":
    case "scheduler_failure":
      return "scheduler";
    case "no_scheduler":
      return "no_scheduler";
    case "no_manager":
      return "no_manager";
    case "held":
      return "rate_limit";
    case "disk":
    case "seal":
      return "slow_disk";
    case "to_parents":
    case "to_source":
      return undefined;
  }
}

/** When an event cost time: its own wait beyond what is usual, the pause until the source was asked again, or all the rest. */
function costOf({ kind, atMs, ms }: PullEvent, later: readonly PullEvent[], durationMs: number) {
  switch (kind) {
    case "source_busy":
    case "source_denied":
    case "source_tls":
    case "source_failure": {
      const again = later.find((event) => event.kind.startsWith("source_"));
      return { startMs: atMs - ms, endMs: again === undefined ? atMs : Math.max(atMs, again.atMs - again.ms) };
    }
    case "no_scheduler":
    case "no_manager":
    case "parent_lied":
      return { startMs: atMs, endMs: durationMs };
    case "source_answer":
    case "decision":
    case "seed_awaited":
    case "first_piece":
    case "seal":
      return { startMs: Math.min(atMs, atMs - ms + USUAL_MS), endMs: atMs };
    default:
      return { startMs: atMs - ms, endMs: atMs };
  }
}

/** What is left is the time of the bytes: those who gave most of them are to be named. */
function transferOf({ originBytes, parents }: PullStory, lostMs: number): PullVerdict {
  const peerBytes = parents.reduce((sum, { bytes }) => sum + bytes, 0);
  const cause = originBytes >= peerBytes ? "slow_origin" : "slow_parents";
  const [count, from] = originBytes >= peerBytes ? [originBytes, "the registry"] : [peerBytes, "other hosts"];
  const mib = (count / (1024 * 1024)).toFixed(1);
  return { cause, lostMs, reason: `the transfer of ${mib} MiB from ${from} took ${seconds(lostMs)}` };
}

function reasonOf(cause: PullCause, { kind, subject, detail }: PullEvent, lostMs: number): string {
  const time = seconds(lostMs);
  const why = detail === "" ? "" : ` (${detail})`;
  switch (cause) {
    case "slow_origin":
      return kind === "parents_waiting"
        ? `waited ${time} for seed peer ${subject}, which was still getting it from the registry`
        : `waited ${time} until ${subject || "the registry"} answered`;
    case "busy_origin":
      return `waited ${time}: ${subject || "the registry"} was too busy${why}`;
    case "tls":
      return `waited ${time}: no TLS connection to ${subject || "the registry"}${why}`;
    case "sign_in":
      return `waited ${time} until the requester had signed in at ${subject || "the registry"}${why}`;
    case "failing_origin":
      return `waited ${time}: ${subject || "the registry"} failed${why}`;
    case "stalled_parent":
      return `waited ${time}: parent ${subject} stalled, replaced`;
    case "failed_parent":
      return `waited ${time}: parent ${subject} failed, replaced${why}`;
    case "dead_seed":
      if (kind === "seed_awaited") return `waited ${time} for a seed peer or another host to begin${why}`;
      return `waited ${time}: seed peer ${subject} ${kind === "first_piece" ? "was slow to begin" : "died or stalled"}`;
    case "lying_parent":
      return `parent ${subject} gave wrong bytes and is banned; the content came anew from the registry`;
    case "slow_parents":
      return kind === "parents_waiting"
        ? `waited ${time} for parent ${subject}, which was still getting it itself`
        : `waited ${time} for the first piece of ${subject || "the parents"}`;
    case "scheduler":
      return kind === "decision"
        ? `waited ${time} for the scheduler's decision`
        : `waited ${time}: the scheduler did not answer${why}`;
    case "no_scheduler":
      return `no scheduler could be reached, so nobody shared: ${time} at the registry`;
    case "no_manager":
      return `the manager could not be reached and no scheduler is known, so nobody shared: ${time} at the registry`;
    case "rate_limit":
      return `waited ${time} for a bandwidth limit of this host${why}`;
    case "slow_disk":
      return `waited ${time} for the disk of this host`;
    case "nothing":
      return "nothing stood out";
  }
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
