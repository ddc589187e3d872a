import { DamselflyError } from "../core/error.ts";

/** A handler that waits for nothing; what it throws is the failure of the call. */
export function answering<Q, A>(answer: (request: Q) => A): (request: Q) => Promise<A> {
  return (request) => Promise.try(answer, request);
}

/** What is asked for. Throws `not_found` when it is not there. */
export function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new DamselflyError("not_found", `Cannot find ${what}: this scheduler does not know it`);
  }
  return value;
}
