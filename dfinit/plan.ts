import { DamselflyError } from "../src/core/error.ts";

/** One file that has to change. */
export interface Change {
  readonly path: string;
  /** What the file holds now; undefined when there is none. */
  readonly before: string | undefined;
  readonly after: string;
  readonly why: string;
}

/** Something that dfinit will not do, with the way out. */
export interface Refusal {
  readonly path: string;
  readonly reason: string;
  readonly todo: string;
}

/** What has to happen on this node. With a refusal nothing happens. */
export interface Plan {
  /** In the order in which they are written. */
  readonly changes: readonly Change[];
  /** Files that are as wanted already. */
  readonly unchanged: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
  /** The runtime to restart once the changes are made; undefined when it notices by itself. */
  readonly restart: string | undefined;
}

/** The plan of a node on which nothing is to be done. */
export const EMPTY_PLAN: Plan = { changes: [], unchanged: [], refusals: [], warnings: [], restart: undefined };

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
