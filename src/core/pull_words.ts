/** How a pull is explained to people, in a terminal and in a browser alike. */

/** As much of a pull as the words need. */
export interface ToldPull {
  readonly isRunning: boolean;
  readonly durationMs: number;
  /** Empty when it did not fail. */
  readonly error: string;
  /** See `PullVerdict`. */
  readonly cause: string;
  readonly lostMs: number;
  readonly reason: string;
}

/** The place of the pull among some that is to be explained: the one that lost most, and of failed ones the first. */
export function slowestOf(pulls: readonly ToldPull[]): number {
  const failed = pulls.findIndex(({ error }) => error !== "");
  if (failed >= 0) return failed;
  return pulls.reduce((worst, { lostMs }, at) => lostMs > (pulls[worst]?.lostMs ?? 0) ? at : worst, 0);
}

/** What made one of several contents slow, in a sentence; `number` counts them from 1. */
export function pullSentence({ cause, reason, isRunning, error }: ToldPull, number: number): string {
  if (error !== "") return `Content ${number} failed: ${error}.`;
  if (cause === "nothing") return "Nothing stood out: no content waited long for anything.";
  return `Content ${number} ${isRunning ? "has " : ""}${reason}.`;
}

/** Whether a wait is the slow part of its pull. */
export function isSlowPart(ms: number, { lostMs, cause, durationMs }: ToldPull): boolean {
  return cause !== "nothing" && ms > 0 && ms >= lostMs / 2 && ms >= durationMs / 10;
}
