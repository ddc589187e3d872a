import type { Random } from "../runtime/random.ts";
import { randomKey } from "./rest/sessions.ts";
import type { Store } from "./store/store.ts";

/** The key of sessions among the secrets of the store, so that they outlive a restart and work at all managers. */
const SESSION_KEY = "session_key";

/** The secret that all managers of a database share: `auth.jwt.key`, or else one that the first of them keeps there. */
export async function managerKey(configured: string | undefined, store: Store, random: Random): Promise<string> {
  return configured ?? await store.secrets.getOrCreate(SESSION_KEY, randomKey(random));
}
