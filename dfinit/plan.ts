import { DamselflyError } from "../src/core/error.ts";

/** One file that has to change. */
export interface Change {
  readonly path: string;
  /** What the file holds now; undefined when there is none. */
  readonly before: string | undefined;
  /** What it shall hold; undefined when it goes. */
  readonly after: string | undefined;
  readonly why: string;
  /** The file stays until everything is restored, also when the configuration does not ask for it any more. */
  readonly isLasting?: true;
}

/** Something that dfinit will not do, with the way out. */
export interface Refusal {
  readonly path: string;
  readonly reason: string;
  readonly todo: string;
}

/** A registry whose pulls go around the peer. */
export interface Bypass {
  readonly registry: string;
  /** Where that is written, and why it is so. */
  readonly reason: string;
  readonly todo: string;
}

/** What has to happen for one runtime of a node. With a refusal nothing happens. */
export interface Plan {
  /** In the order in which they are written. */
  readonly changes: readonly Change[];
  /** Files that are as wanted already. */
  readonly unchanged: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  readonly bypassed: readonly Bypass[];
}

/** The plan of a node on which nothing is to be done. */
export const EMPTY_PLAN: Plan = { changes: [], unchanged: [], refusals: [], warnings: [], bypassed: [] };

/** Carries a {@link Refusal} out of the code that found it. */
export class RefusalError extends DamselflyError {
  readonly refusal: Refusal;

  constructor(path: string, reason: string, todo: string, cause?: unknown) {
    super("failed_precondition", `Cannot configure ${path}: ${reason}`, { cause });
    this.refusal = { path, reason, todo };
  }
}

/**
 * Runs `edit` of one file. What it cannot parse or edit becomes a {@link RefusalError} that names `path`; anything
 * else passes through.
 */
export function refusing<T>(path: string, todo: string, edit: () => T): T {
  try {
    return edit();
  } catch (error) {
    if (error instanceof RefusalError || !(error instanceof DamselflyError)) throw error;
    throw new RefusalError(path, error.message, todo, error);
  }
}

/** Makes a plan; a {@link RefusalError} on the way becomes a plan that refuses. */
export async function planning(make: () => Promise<Plan>): Promise<Plan> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof RefusalError) return { ...EMPTY_PLAN, refusals: [error.refusal] };
    throw error;
  }
}
