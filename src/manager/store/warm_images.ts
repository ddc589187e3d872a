import type { JsonObject } from "./records.ts";
import type { Identified, Repository } from "./repository.ts";

/** How a run ended; empty while there was none. */
export type RunState = "" | "PENDING" | "SUCCESS" | "FAILURE";

/** What somebody declares to be kept warm: what a preheat brings, whereto, and when. */
export interface WarmImageDeclaration {
  readonly name: string;
  readonly bio: string;
  /** Of a preheat, without secrets: what may be shown. */
  readonly args: JsonObject;
  /** The same as a whole, as only a manager with the key reads it. */
  readonly sealedArgs: string;
  /** 0 when it belongs to nobody. */
  readonly userId: number;
  /** None stands for all clusters. */
  readonly schedulerClusterIds: readonly number[];
  /** Five fields; empty when it does not repeat by the clock. */
  readonly cron: string;
  /** An IANA name, in which `cron` is read. */
  readonly timeZone: string;
  /** How often the tag is asked for its digest; 0 for never. */
  readonly followIntervalMs: number;
  /** Whether hosts that join a cluster are brought to it. */
  readonly onJoin: boolean;
  readonly isPaused: boolean;
}

/** How a warm image goes. Times are wall time, 0 for none. */
export interface WarmImageProgress {
  /** When it is looked at next. */
  readonly dueAtMs: number;
  /** When it is run next. */
  readonly runAtMs: number;
  /** When the tag is asked for next. */
  readonly checkAtMs: number;
  /** Since when hosts have to be brought to what is declared. */
  readonly declaredAtMs: number;
  /** The job that runs; 0 for none. */
  readonly jobId: number;
  /** Its jobs, the newest first: the last ones. */
  readonly jobIds: readonly number[];
  readonly lastRunAtMs: number;
  readonly lastState: RunState;
  readonly runError: string;
  /** Runs that failed one after another. */
  readonly runFailures: number;
  /** Runs that were left out, for the one before still ran. */
  readonly skipped: number;
  /** What the tag was when it was asked last, and when it was warmed last. */
  readonly seenDigest: string;
  readonly warmDigest: string;
  readonly checkError: string;
  /** Questions for the tag that failed one after another. */
  readonly checkFailures: number;
}

/** All that is stored of a warm image. */
export type WarmImageInput = WarmImageDeclaration & WarmImageProgress;

/** A stored warm image. */
export interface WarmImage extends WarmImageInput, Identified {
  /** Another one with each change. */
  readonly revision: number;
}

/** Which warm images to list. */
export type WarmImageFilter = Partial<Pick<WarmImage, "name" | "userId" | "onJoin" | "isPaused">>;

/** Warm images; several managers may work on them. One goes with the last of the clusters that it names. */
export interface WarmImageStore extends Repository<WarmImage, WarmImageInput, WarmImageFilter> {
  all(): Promise<WarmImage[]>;
  /** The ones to be looked at now, those that wait longest first. */
  due(nowMs: number, limit: number): Promise<WarmImage[]>;
  /** How many have a job that runs. */
  countRunning(): Promise<number>;
  /**
   * Changes one as `decide` says when it sees it as it is now: what somebody else writes meanwhile is seen, never
   * written over. The image after that; undefined when it is gone, or `decide` gives nothing.
   */
  change(
    id: number,
    decide: (image: WarmImage) => Partial<WarmImageInput> | undefined,
  ): Promise<WarmImage | undefined>;
}
