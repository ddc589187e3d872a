import assert from "node:assert/strict";
import { MemoryLog } from "../testing/memory_log.ts";
import { memoryStore } from "../testing/memory_store.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { fillEmptyStore } from "./first_start.ts";
import { isPassword } from "./password.ts";
import type { Store } from "./store/store.ts";

async function fill(store: Store, password?: string): Promise<MemoryLog> {
  const log = new MemoryLog();
  const env = (name: string) => name === "DRAGONFLY_INITIAL_ROOT_PASSWORD" ? password : undefined;
  await fillEmptyStore({ store, random: seededRandom(1), log, env });
  return log;
}

Deno.test("the first start makes one default cluster and a root user with the known password, and warns of it", async () => {
  await using store = await memoryStore(new VirtualClock());
  const log = await fill(store);
  const [cluster] = await store.clusters.all();
  assert.deepEqual([cluster?.id, cluster?.name, cluster?.isDefault], [1, "cluster-1", true]);
  const root = await store.users.findByName("root");
  assert.equal(await isPassword("dragonfly", root?.passwordHash ?? ""), true);
  assert.match(root?.passwordHash ?? "", /^\$2b\$10\$/);
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
