import type { Finding } from "./judge.ts";

/** A section of a data file. */
export interface Place {
  readonly section: string;
  /** Which of our programs or servers answers for it. */
  readonly at: string;
}

/** How one kind of things is looked up in the code. */
export interface Kind {
  /** The name of its data file, such as `rpcs`. */
  readonly name: string;
  /** What the code says of a thing; `fact` is what the file knows of it. */
  find(place: Place, name: string, fact: unknown): Finding | Promise<Finding>;
  /** What the code has there besides `things`, which are those of all sections with the same `at`. */
  alone(place: Place, things: readonly string[]): readonly string[];
}

/** The finding where there is nothing to say but whether the code has it. */
export function present(isThere: boolean): Finding {
  return { verdict: isThere ? "yes" : "no" };
}
