import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { DefaultPassword, ROOT, ROOT_PASSWORD_DEFAULT } from "./default_password.ts";
import { AUDIT_TTL_MS, GC_CONFIG, JOB_TTL_MS } from "./old_rows.ts";
import { hashPassword } from "./password.ts";
import { scryptOnPool } from "./scrypt.ts";
import { nanosecondsOfMilliseconds } from "./store/liveness.ts";
import type { Store } from "./store/store.ts";
import { hashToken } from "./store/token_hash.ts";
import type { User } from "./store/users.ts";

const ROOT_PASSWORD_ENV = "DRAGONFLY_INITIAL_ROOT_PASSWORD";
/** A personal access token for scripts that set up a manager. */
const TOKEN_ENV = "DRAGONFLY_PAT";
const TOKEN_NAME = "default";
const TOKEN_CHARACTERS_MIN = 16;
const TOKEN_LIFETIME_MS = 10 * 365 * 24 * 60 * 60_000;

/** The roles that there always are. */
export const GUEST = "guest";

/** What the first start takes from outside. */
export interface FirstStartOptions {
  readonly store: Store;
  /** What rights can be given for. */
  readonly groups: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  env(name: string): string | undefined;
}

/**
 * Fills an empty store so that peers and people can begin (manager-rest.md §2): the cluster `cluster-1`, the setting `gc`,
 * the roles `root` and `guest`, the user `root`, and the token of `DRAGONFLY_PAT`. What is there already stays, and what
 * somebody took from guests stays taken, but root gets its rights back, and a password that everybody knows is warned of
 * at each start. Fails with `invalid_argument` when the initial password or token cannot be used.
 */
export async function fillEmptyStore(options: FirstStartOptions): Promise<void> {
  const { store, groups, log } = options;
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
  const root = await store.users.findByName(ROOT) ?? await createRoot(options);
  // Nobody can take all rights from root, so without any this is the first start.
  if ((await store.roles.permissionsOf(ROOT)).length === 0) {
    await store.roles.addPermissions(GUEST, groups.map((object) => ({ object, action: "read" })));
  }
  await store.roles.addPermissions(ROOT, groups.map((object) => ({ object, action: "*" })));
  await store.roles.grant(root.id, ROOT);
  if (await store.configs.findByName(GC_CONFIG) === undefined) {
    const ttl = (ms: number) => ({ ttl: nanosecondsOfMilliseconds(ms) });
    const value = JSON.stringify({ audit: ttl(AUDIT_TTL_MS), job: ttl(JOB_TTL_MS) });
    await store.configs.create({ name: GC_CONFIG, value, bio: "", userId: root.id });
  }
  await keepToken(options, root);
  if (await new DefaultPassword(scryptOnPool).isOf(root)) {
    log.warn(
      `User ${ROOT} has the default password, which everybody knows: from other machines it can only be changed, and ` +
        `whoever reaches the REST port first can do that, and then all else: change it now, or set ${ROOT_PASSWORD_ENV} ` +
        "before the first start to begin with another one",
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

/** Makes the token of the environment open the API; another value replaces the one of an earlier start. */
async function keepToken({ store, clock, env }: FirstStartOptions, root: User): Promise<void> {
  const secret = env(TOKEN_ENV);
  if (secret === undefined || secret === "") return;
  if (secret.length < TOKEN_CHARACTERS_MIN) {
    const message = `Cannot use the token of ${TOKEN_ENV}: expected at least ${TOKEN_CHARACTERS_MIN} characters`;
    throw new DamselflyError("invalid_argument", message);
  }
  const tokenHash = hashToken(secret);
  if (await store.tokens.findByHash(tokenHash) !== undefined) return;
  const { rows } = await store.tokens.list({ userId: root.id }, { offset: 0, limit: Number.MAX_SAFE_INTEGER });
  const known = rows.find(({ name }) => name === TOKEN_NAME);
  const expiredAtMs = clock.wallMs() + TOKEN_LIFETIME_MS;
  if (known !== undefined) {
    await store.tokens.update(known.id, { tokenHash, state: "active", expiredAtMs });
    return;
  }
  const token = { name: TOKEN_NAME, bio: `Made from ${TOKEN_ENV}`, tokenHash, expiredAtMs, userId: root.id };
  await store.tokens.create({ ...token, scopes: ["job", "cluster"], state: "active" });
}
