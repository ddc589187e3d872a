import assert from "node:assert/strict";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { AuditInput } from "../store/audits.ts";
import { AuditLog } from "./audit_log.ts";
import type { Caller } from "./route.ts";

const REQUEST = { method: "GET", path: "/x", status: 200 };
const NOBODY = { kind: "nobody" } as const;
const ROOT: Caller = {
  kind: "user",
  permissions: [],
  user: {
    ...{ id: 1, createdAtMs: 0, updatedAtMs: 0, name: "root", passwordHash: "", state: "enable" as const },
    ...{ email: "", avatar: "", phone: "", location: "", bio: "" },
  },
};

function start(add: (audits: readonly AuditInput[]) => Promise<void>) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const store = {
    audits: { add, list: () => Promise.reject(), get: () => Promise.reject(), removeBefore: () => Promise.reject() },
  };
  return { clock, log, audits: new AuditLog({ store, clock, log }) };
}

Deno.test("audits are stored every 5 s, by the hundred sooner, and at the end", async () => {
  const batches: number[] = [];
  const { clock, audits } = start((rows) => Promise.resolve(void batches.push(rows.length)));
  audits.note(NOBODY, REQUEST);
  await clock.advance(4_999);
  assert.deepEqual(batches, []);
  await clock.advance(1);
  assert.deepEqual(batches, [1]);
  for (let count = 0; count < 500; count++) audits.note(ROOT, REQUEST);
  await clock.advance(0);
  assert.deepEqual(batches, [1, 500]);
  audits.note(NOBODY, REQUEST);
  await audits[Symbol.asyncDispose]();
  assert.deepEqual(batches, [1, 500, 1]);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("while the database is slow a limited number waits, and what is dropped is said", async () => {
  const slow = Promise.withResolvers<void>();
  let stored = 0;
  const { clock, log, audits } = start(async (rows) => {
    await slow.promise;
    stored += rows.length;
  });
  for (let count = 0; count < 500; count++) audits.note(ROOT, REQUEST);
  await clock.advance(0);
  for (let count = 0; count < 1_500; count++) audits.note(ROOT, REQUEST);
  await clock.advance(20_000);
  slow.resolve();
  await audits[Symbol.asyncDispose]();
  assert.equal(stored, 1_500);
  assert.deepEqual(log.lines.map(({ message }) => message), ["Audits were dropped: too many requests at once"]);
});

Deno.test("strangers get a hundred audits per round, and leave those of others alone", async () => {
  const stored: string[] = [];
  const { clock, log, audits } = start((rows) =>
    Promise.resolve(void stored.push(...rows.map((row) => row.actorName)))
  );
  for (let round = 0; round < 2; round++) {
    for (let count = 0; count < 2_000; count++) audits.note(NOBODY, REQUEST);
    audits.note(ROOT, REQUEST);
    await clock.advance(5_000);
  }
  await audits[Symbol.asyncDispose]();
  assert.deepEqual([stored.length, stored.filter((name) => name === "root").length], [202, 2]);
  assert.deepEqual(log.lines.map(({ fields }) => fields["dropped"]), [1_900, 1_900]);
});

Deno.test("a database that fails costs audits and nothing else", async () => {
  const { log, audits } = start(() => Promise.reject(new Error("disk full")));
  audits.note(NOBODY, { ...REQUEST, status: 503 });
  await audits[Symbol.asyncDispose]();
  assert.match(JSON.stringify(log.lines), /could not be stored.*disk full/);
});
