import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import { platform } from "node:os";
import { setImmediate } from "node:timers";
import { MemoryLog } from "../testing/memory_log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { HashingThread } from "./hashing_thread.ts";

const COST = { logN: 10, r: 8, p: 1 };
const SALT = new Uint8Array(16).fill(7);

function start(options: { readonly program?: string } = {}) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  return { clock, log, thread: new HashingThread({ clock, log, ...options }) };
}

function keyOf(password: string): Uint8Array {
  return new Uint8Array(scryptSync(password, SALT, 32, { N: 2 ** COST.logN, r: COST.r, p: COST.p }));
}

/** The `nice` of each thread of this process, by its id; the event loop's is the first. */
function niceOfThreads(): Map<string, number> {
  const ids = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => name).sort((a, b) => Number(a) - Number(b));
  return new Map(ids.map((id) => {
    const stat = Deno.readTextFileSync(`/proc/self/task/${id}/stat`);
    return [id, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16])];
  }));
}

Deno.test("each who waits gets the key of his own password", async () => {
  const { thread } = start();
  using _ = thread;
  const passwords = ["one", "two", "three", ""];
  const keys = await Promise.all(passwords.map((password) => thread.scrypt(password, SALT, COST)));
  assert.deepEqual(keys, passwords.map(keyOf));
});

Deno.test("passwords are hashed while the event loop is never idle", async () => {
  const { thread } = start();
  using _ = thread;
  let isDone = false;
  const key = thread.scrypt("one", SALT, COST).finally(() => isDone = true);
  const startedAt = performance.now();
  // A turn of the loop takes 5 ms and the next one is due at once.
  while (!isDone) {
    for (const until = performance.now() + 5; performance.now() < until;);
    assert.ok(performance.now() - startedAt < 60_000, "no key came in a minute");
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await key, keyOf("one"));
});

Deno.test({
  name: "the thread that hashes gives way to all others, by itself",
  ignore: platform() !== "linux",
  async fn() {
    const before = niceOfThreads();
    const [own = 0] = before.values();
    const { thread, log } = start();
    using _ = thread;
    await thread.scrypt("one", SALT, COST);
    const now = niceOfThreads();
    const begun = [...now].filter(([id]) => !before.has(id)).map(([, nice]) => nice);
    assert.equal(begun.includes(Math.min(own + 10, 19)), true, String(begun));
    assert.deepEqual([[...now.values()][0], log.lines], [own, []]);
  },
});

Deno.test("a thread that may not give way hashes all the same, and the log says it once", async () => {
  const program = `
    postMessage({ niceError: "not permitted" });
    onmessage = ({ data }) => postMessage({ key: new TextEncoder().encode(data.password) });`;
  const { thread, clock, log } = start({ program });
  using _ = thread;
  for (const password of ["one", "two"]) {
    assert.deepEqual(await thread.scrypt(password, SALT, COST), new TextEncoder().encode(password));
    await clock.advance(60_000); // the next one has a thread of its own
  }
  assert.deepEqual(log.lines.map(({ level, fields }) => [level, fields]), [["warn", { error: "not permitted" }]]);
});

Deno.test("a thread without work ends after a minute, and the next password gets another one", async () => {
  const program = "let keys = 0; onmessage = () => postMessage({ key: Uint8Array.of(++keys) });";
  const { thread, clock } = start({ program });
  using _ = thread;
  const keys = async () => [...await thread.scrypt("one", SALT, COST)];
  assert.deepEqual([await keys(), await keys()], [[1], [2]]);
  await clock.advance(59_999);
  assert.deepEqual(await keys(), [3]);
  await clock.advance(60_000);
  assert.equal(clock.pendingTimers, 0);
  assert.deepEqual(await keys(), [1]);
});

Deno.test("a thread that fails, hangs or is ended fails whoever waits, and the next one gets another thread", async () => {
  const failing = start({ program: "throw new Error('no memory');" });
  for (let round = 0; round < 2; round++) {
    const both = [failing.thread.scrypt("one", SALT, COST), failing.thread.scrypt("two", SALT, COST)];
    for (const each of both) await assert.rejects(each, { code: "unavailable", message: /no memory/ });
  }
  const hanging = start({
    program: "onmessage = ({ data }) => data.password === 'x' && postMessage({ key: data.salt });",
  });
  for (let round = 0; round < 2; round++) {
    const hangs = assert.rejects(hanging.thread.scrypt("one", SALT, COST), {
      code: "unavailable",
      message: /60000 ms/,
    });
    await hanging.clock.advance(60_000);
    await hangs;
    assert.deepEqual(await hanging.thread.scrypt("x", SALT, COST), SALT);
  }
  const stopped = assert.rejects(hanging.thread.scrypt("one", SALT, COST), { code: "cancelled" });
  hanging.thread[Symbol.dispose]();
  await stopped;
  assert.deepEqual([failing.clock.pendingTimers, hanging.clock.pendingTimers], [0, 0]);
});

Deno.test("what cannot be derived fails by itself, and the next key comes", async () => {
  const { thread } = start();
  using _ = thread;
  const impossible = thread.scrypt("one", SALT, { ...COST, r: -1 });
  const possible = thread.scrypt("two", SALT, COST);
  await assert.rejects(impossible, { code: "internal" });
  assert.deepEqual(await possible, keyOf("two"));
});
