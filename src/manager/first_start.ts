import { DamselflyError, errorText } from "../core/error.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { hashPassword, isPassword } from "./password.ts";
import type { Store } from "./store/store.ts";
import type { User } from "./store/users.ts";

const ROOT = "root";
/** Published with Dragonfly, so known to everybody. */
const ROOT_PASSWORD_DEFAULT = "dragonfly";
const ROOT_PASSWORD_ENV = "DRAGONFLY_INITIAL_ROOT_PASSWORD";

/** What the first start takes from outside. */
export interface FirstStartOptions {
  readonly store: Store;
  readonly random: Random;
  readonly log: Log;
  env(name: string): string | undefined;
}

/**
 * Fills an empty store so that peers and people can begin: the cluster `cluster-1` (wire.md §5.4) and the user `root`.
 * What is there already stays, and a root password that everybody knows is warned of at each start. Fails with `invalid_argument` when the initial password cannot be used.
 */
export async function fillEmptyStore({ store, random, log, env }: FirstStartOptions): Promise<void> {
  if ((await store.clusters.list({}, { offset: 0, limit: 1 })).total === 0) {
    await store.clusters.create({
      name: "cluster-1",
      bio: "",
      isDefault: true,
      scopes: {},
      schedulerClusterConfig: { candidate_parent_limit: 3, filter_parent_limit: 15, job_rate_limit: 10 },
      seedPeerClusterConfig: { load_limit: 2_000 },
      peerClusterConfig: { load_limit: 200 },
    });
  }
  const root = await store.users.findByName(ROOT) ?? await createRoot({ store, random, log, env });
  if (await isPassword(ROOT_PASSWORD_DEFAULT, root.passwordHash)) {
    log.warn(
      `User ${ROOT} has the default password, which everybody knows: change it, or set ${ROOT_PASSWORD_ENV} before the ` +
        "first start",
    );
  }
}

async function createRoot({ store, random, env }: FirstStartOptions): Promise<User> {
  const password = env(ROOT_PASSWORD_ENV) || ROOT_PASSWORD_DEFAULT;
  let passwordHash: string;
  try {
    passwordHash = await hashPassword(password, random);
  } catch (cause) {
    const message = `Cannot create user ${ROOT} from ${ROOT_PASSWORD_ENV}: ${errorText(cause)}`;
    throw new DamselflyError("invalid_argument", message, { cause });
  }
  return await store.users.create({ name: ROOT, passwordHash });
}
