import { BoundedMap } from "../../core/bounded_map.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";

/** Of all challenges that are remembered, and of the registries that sent them: 10,000 of usual ones. */
const CHARACTERS_MAX = 1024 * 1024;
/** Of one: a registry that says more is not remembered. */
const CHALLENGE_CHARACTERS_MAX = 4 * 1024;

/** Whether an answer says that the registry is there and cannot say more now. */
export function isTrouble(status: number): boolean {
  return status === 429 || status >= 500;
}

/** Whether a request failed since its registry cannot be reached, or cannot answer now. */
export function isOutOfReach(error: unknown): boolean {
  const answer = sourceAnswerOf(error);
  return answer !== undefined && (answer.status === undefined || isTrouble(answer.status));
}

/**
 * How registries ask for a password. A container runtime sends none before it is asked, and a registry that is away asks
 * nobody; so we do, for who has been let at a content may have it still. A token cannot be asked for: it would be
 * another one than before.
 */
export class Challenges {
  readonly #challenges = new BoundedMap<string>(
    CHARACTERS_MAX,
    (origin, challenge) => origin.length + challenge.length,
  );

  /** Notes what a registry answered. */
  learn({ origin }: URL, { status, headers }: Response): void {
    const challenge = headers.get("www-authenticate");
    if (status !== 401 || challenge === null || !/^basic /i.test(challenge)) return;
    if (challenge.length > CHALLENGE_CHARACTERS_MAX) return;
    if (this.#challenges.get(origin) === undefined) this.#challenges.add(origin, challenge);
  }

  /** The answer to a request that says nothing of who sends it; undefined when it does, or nothing was learnt. */
  answer({ origin }: URL, request: Request): Response | undefined {
    const challenge = this.#challenges.get(origin);
    if (challenge === undefined || request.headers.has("authorization")) return undefined;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  }
}
