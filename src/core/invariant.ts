/** A broken assumption of our own code. No edge maps it: it ends the work at hand and is a bug to report. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** States what the code relies on; stays on in production. Never for input from outside. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
