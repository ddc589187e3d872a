/** One fault put into the code on purpose: a ring of tests that does not notice it has a hole. */
export interface Mutant {
  /** What is wrong with it. */
  readonly what: string;
  readonly file: string;
  /** Stands in the file exactly once, and is replaced by `bad`. */
  readonly good: string;
  readonly bad: string;
  /** The nearest tests; one of them must fail. Files or folders. */
  readonly tests: readonly string[];
}

/** The text of the mutated file. Throws when what is to be replaced is not there once: the list is out of date. */
export function mutated(text: string, { what, file, good, bad }: Mutant): string {
  const count = text.split(good).length - 1;
  if (count === 1) return text.replace(good, () => bad);
  throw new Error(`Cannot make the mutant "${what}": ${file} has its text ${count} times, expected once: ${good}`);
}
