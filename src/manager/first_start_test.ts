import assert from "node:assert/strict";
import { MemoryLog } from "../testing/memory_log.ts";
import { memoryStore } from "../testing/memory_store.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { fillEmptyStore } from "./first_start.ts";
import { isPassword } from "./password.ts";
import type { Store } from "./store/store.ts";
import { hashToken } from "./store/token_hash.ts";

const GROUPS = ["clusters", "jobs"];

async function fill(store: Store, password?: string, token?: string): Promise<MemoryLog> {
  const log = new MemoryLog();
  const values: Record<string, string | undefined> = {
    DRAGONFLY_INITIAL_ROOT_PASSWORD: password,
    DRAGONFLY_PAT: token,
  };
  const env = (name: string) => values[name];
  await fillEmptyStore({ store, groups: GROUPS, clock: new VirtualClock(), random: seededRandom(1), log, env });
  return log;
}

Deno.test("the first start makes one default cluster and a root user with the known password, and warns of it", async () => {
  await using store = await memoryStore(new VirtualClock());
  const log = await fill(store);
  const [cluster] = await store.clusters.all();
  assert.deepEqual([cluster?.id, cluster?.name, cluster?.isDefault], [1, "cluster-1", true]);
  const root = await store.users.findByName("root");
  assert.equal(await isPassword("dragonfly", root?.passwordHash ?? ""), true);
  assert.match(root?.passwordHash ?? "", /^\$scrypt\$/);
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
  assert.match(log.lines[0]?.message ?? "", /default password.*DRAGONFLY_INITIAL_ROOT_PASSWORD/);
  assert.equal((await fill(store)).lines.length, 1, "each start warns as long as it is so");
});

Deno.test("a given password is used without a warning, and never changes the one of a later start", async () => {
  await using store = await memoryStore(new VirtualClock());
  assert.deepEqual((await fill(store, "chosen password")).lines, []);
  const root = await store.users.findByName("root");
  assert.equal(await isPassword("chosen password", root?.passwordHash ?? ""), true);
  await store.clusters.update(1, { name: "renamed" });
  assert.deepEqual((await fill(store, "another password")).lines, []);
  assert.deepEqual(await store.users.findByName("root"), root);
  assert.deepEqual((await store.clusters.all()).map(({ name }) => name), ["renamed"]);
});

Deno.test("an initial password that is too short or too long stops the start, by the name of its variable", async () => {
  await using store = await memoryStore(new VirtualClock());
  for (const password of ["short", "ä".repeat(37)]) {
    await assert.rejects(fill(store, password), {
      code: "invalid_argument",
      message: /DRAGONFLY_INITIAL_ROOT_PASSWORD/,
    });
  }
});

Deno.test("root may do all and a guest may read, and a later start gives back what was taken to root alone", async () => {
  await using store = await memoryStore(new VirtualClock());
  await fill(store, "chosen password");
  assert.deepEqual((await store.roles.permissionsOf("guest")).map(({ action }) => action), ["read", "read"]);
  await store.roles.removePermission("guest", { object: "jobs", action: "read" });
  await store.roles.removePermission("root", { object: "jobs", action: "*" });
  await store.roles.revoke(1, "root");
  await fill(store, "chosen password");
  assert.deepEqual(await store.roles.rolesOfUser(1), ["root"]);
  assert.deepEqual(await store.roles.permissionsOfUser(1), [
    { object: "clusters", action: "*" },
    { object: "jobs", action: "*" },
  ]);
  assert.deepEqual(await store.roles.permissionsOf("guest"), [{ object: "clusters", action: "read" }]);
});

Deno.test("audits are kept for 7 days and jobs for 6 hours, unless somebody changed that", async () => {
  await using store = await memoryStore(new VirtualClock());
  await fill(store, "chosen password");
  const config = await store.configs.findByName("gc");
  assert.equal(config?.value, '{"audit":{"ttl":604800000000000},"job":{"ttl":21600000000000}}');
  await store.configs.update(config.id, { value: "{}" });
  await fill(store, "chosen password");
  assert.equal((await store.configs.findByName("gc"))?.value, "{}");
});

Deno.test("the token of the environment opens the API at each start, and another one takes its place", async () => {
  await using store = await memoryStore(new VirtualClock());
  for (const secret of ["a token of the first start", "a token of the first start", "a token of a later start"]) {
    await fill(store, "chosen password", secret);
    const token = await store.tokens.findByHash(hashToken(secret));
    assert.deepEqual([token?.name, token?.state, token?.userId, token?.scopes], ["default", "active", 1, [
      "job",
      "cluster",
    ]]);
  }
  assert.equal(await store.tokens.findByHash(hashToken("a token of the first start")), undefined);
  await assert.rejects(fill(store, "chosen password", "short"), { code: "invalid_argument", message: /DRAGONFLY_PAT/ });
});
