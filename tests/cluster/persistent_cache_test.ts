/** Files that are imported into the persistent cache: where their copies are, how they are had, and what a fault costs. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runDfcache } from "../../src/cli/dfcache.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { DfdaemonDownloadService } from "../../src/rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { formatHostPort } from "../../src/config/addresses.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { READY_TIMEOUT_MS, Stage } from "./stage.ts";

/** What the scheduler waits after its start before anything is copied. */
const GRACE_MS = 10_000;
/** Enough of the minute that it waits before a replica that is lost is made anew, and less than silence that ends a host. */
const LOST_MS_MAX = 300_000;
const LOST_STEP_MS = 5_000;
const HOUR_MS = 3_600_000;
const CONTENT = randomBytes(9 * 1024 * 1024);
const never = new AbortController().signal;
const limited = { signal: never, timeoutMs: 5_000 };

/** Three peers without a seed peer, a file to import, and dfcache on each of them. */
async function openStage() {
  const stage = await Stage.open({ nodes: ["peer-1", "peer-2", "peer-3"] });
  stage.schedulerClock.forward(GRACE_MS);
  const file = join(stage.dir, "file");
  await writeFile(file, CONTENT);
  const socketOf = (name: string) => join(stage.node(name).dir, "dfdaemon.sock");
  const run = async (name: string, ...args: string[]) => {
    let [printed, errors] = ["", ""];
    const terminal = {
      isTty: false,
      print: (text: string) => void (printed += text),
      printError: (text: string) => void (errors += text),
    };
    const random = realRandom();
    const runtime = { clock: realClock(), random, disk: realDisk(random), env: () => undefined };
    const code = await runDfcache([...args, "-e", socketOf(name)], { runtime, terminal }, never);
    return { code, printed, errors };
  };
  const importFile = async (name: string, ...flags: string[]) => {
    const { code, printed, errors } = await run(name, "import", file, ...flags);
    assert.equal(code, 0, errors);
    return printed.trim();
  };
  const exported = async (name: string, id: string, ...flags: string[]) => {
    const output = join(stage.dir, `out-${name}`);
    const { code, errors } = await run(name, "export", id, "-O", output, "--overwrite", ...flags);
    assert.equal(code, 0, errors);
    return await readFile(output);
  };
  /** The copies that a host has, as ids and whether they are replicas. */
  const copies = async (name: string) => {
    using client = createRpcClient(DfdaemonDownloadService, `unix:${socketOf(name)}`, { clock: realClock() });
    const { tasks } = await client.listLocalPersistentCacheTasks({}, limited);
    return tasks.map(({ taskId, persistent }) => ({ taskId, persistent }));
  };
  const replicas = async (id: string) => {
    using client = createRpcClient(SchedulerService, formatHostPort(stage.scheduler.it), { clock: realClock() });
    const stat = await client.statPersistentCacheTask({ taskId: id, hostId: "" }, limited).catch(() => undefined);
    return stat?.currentPersistentReplicaCount ?? 0;
  };
  const untilReplicas = (id: string, count: number) =>
    waitFor(`${count} replicas`, READY_TIMEOUT_MS, async () => await replicas(id) === count || undefined);
  return {
    ...{ stage, file, run, importFile, exported, copies, untilReplicas },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

Deno.test("a file that is removed is gone from all hosts, and one that nobody knows cannot be", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1");
  await bench.untilReplicas(id, 2);
  const removed = await bench.run("peer-3", "rm", id);
  assert.deepEqual(removed, { code: 0, printed: `Task ${id} is removed.\n`, errors: "" });
  for (const name of ["peer-1", "peer-2", "peer-3"]) assert.deepEqual(await bench.copies(name), []);
  const again = await bench.run("peer-3", "remove", id);
  assert.equal(again.code, 1);
  assert.match(again.errors, /Cannot find task .* in the persistent cache/);
  assert.equal((await bench.run("peer-1", "stat", id)).code, 1);
});

Deno.test("an imported file has the replicas that were asked for, and every host gets it from them", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1");
  await bench.untilReplicas(id, 2);
  const holders = [await bench.copies("peer-2"), await bench.copies("peer-3")].flat();
  assert.deepEqual(holders, [{ taskId: id, persistent: true }]);
  await appendFile(bench.file, "changed afterwards");
  for (const name of ["peer-1", "peer-2", "peer-3"]) {
    assert.deepEqual(await bench.exported(name, id), CONTENT);
    assert.deepEqual(await bench.exported(name, id, "--transfer-from-dfdaemon"), CONTENT);
  }
  const traffic = ["peer-2", "peer-3"].map((name) => bench.stage.node(name).traffic);
  assert.ok(traffic.every(({ backToSource }) => backToSource === 0));
  const stat = await bench.run("peer-3", "stat", id);
  assert.match(stat.printed, new RegExp(`${id} +Succeeded +9.0 MiB +4.0 MiB +2 of 2 +1h `));
});

Deno.test("a copy outlives the host that imported it, and a replica that is lost is made anew", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1");
  await bench.untilReplicas(id, 2);
  await bench.stage.node("peer-1").stop();
  await bench.untilReplicas(id, 1);
  // The scheduler notices the loss with its next tick, and waits from then on.
  let [aheadMs, replicas] = [0, 0];
  while (replicas < 2) {
    if (aheadMs < LOST_MS_MAX) bench.stage.schedulerClock.forward(LOST_STEP_MS), aheadMs += LOST_STEP_MS;
    replicas = (await Promise.all(["peer-2", "peer-3"].map(bench.copies))).flat().length;
  }
  await bench.untilReplicas(id, 2);
  for (const name of ["peer-2", "peer-3"]) {
    assert.deepEqual(await bench.copies(name), [{ taskId: id, persistent: true }]);
    assert.deepEqual(await bench.exported(name, id), CONTENT);
  }
});

Deno.test("a scheduler that forgot everything is told of the copies, and nothing is copied once more", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1");
  await bench.untilReplicas(id, 2);
  const before = [await bench.copies("peer-2"), await bench.copies("peer-3")];
  await bench.stage.scheduler.restart();
  await bench.untilReplicas(id, 2);
  bench.stage.schedulerClock.forward(GRACE_MS);
  assert.deepEqual([await bench.copies("peer-2"), await bench.copies("peer-3")], before);
  const knows = async () => (await bench.run("peer-3", "stat", id)).code === 0 || undefined;
  await waitFor("peer-3 to find the scheduler again", READY_TIMEOUT_MS, knows);
  assert.deepEqual(await bench.exported("peer-3", id), CONTENT);
});

Deno.test("a host that is started again still has its copies, and the scheduler knows", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1", "--persistent-replica-count", "1");
  await bench.stage.node("peer-1").restart();
  await bench.untilReplicas(id, 1);
  assert.deepEqual(await bench.exported("peer-2", id), CONTENT);
});

Deno.test("what the swarm has already is not imported again, and what it has not is not found", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1");
  const again = await bench.run("peer-2", "import", bench.file);
  assert.deepEqual([again.code, again.errors.includes(id)], [1, true]);
  const other = await bench.importFile("peer-2", "--tag", "other");
  assert.notEqual(other, id);
  const output = join(bench.stage.dir, "missing");
  const missing = await bench.run("peer-3", "export", "0".repeat(64), "-O", output);
  assert.equal(missing.code, 1);
  assert.match(missing.errors, /nobody imported it, or its time is over/);
  assert.ok(!(await readdir(bench.stage.dir)).includes("missing"));
});

Deno.test("another digest than the content has is refused, and nothing is left behind", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1");
  const output = join(bench.stage.dir, "wrong");
  const digest = `sha256:${"00".repeat(32)}`;
  for (const flags of [[], ["--transfer-from-dfdaemon"]]) {
    const wrong = await bench.run("peer-3", "export", id, "-O", output, "--digest", digest, ...flags);
    assert.equal(wrong.code, 6, wrong.errors);
  }
  assert.deepEqual((await readdir(bench.stage.dir)).filter((name) => name.includes("wrong")), []);
});

Deno.test("a file is gone from everywhere when its time is over", async () => {
  await using bench = await openStage();
  const id = await bench.importFile("peer-1", "--ttl", "5m");
  await bench.untilReplicas(id, 2);
  bench.stage.schedulerClock.forward(HOUR_MS);
  for (const name of ["peer-1", "peer-2", "peer-3"]) bench.stage.node(name).clock.forward(HOUR_MS);
  await bench.untilReplicas(id, 0);
  for (const name of ["peer-1", "peer-2", "peer-3"]) {
    const late = await bench.run(name, "export", id, "-O", join(bench.stage.dir, "late"));
    assert.equal(late.code, 1, late.errors);
  }
});
