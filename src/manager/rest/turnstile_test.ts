import assert from "node:assert/strict";
import { Turnstile } from "./turnstile.ts";

Deno.test("a few run at a time, the others in their order, and too many are turned away", async () => {
  const turnstile = new Turnstile({ runningMax: 2, waitingMax: 2 });
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const began: number[] = [];
  const runs = gates.map(({ promise }, index) =>
    turnstile.run(async () => {
      began.push(index);
      await promise;
      return index;
    })
  );
  await assert.rejects(turnstile.run(() => Promise.resolve()), { code: "unavailable" });
  assert.deepEqual(began, [0, 1]);
  gates[1]?.resolve();
  assert.equal(await runs[1], 1);
  gates[0]?.resolve();
  gates[2]?.resolve();
  gates[3]?.resolve();
  assert.deepEqual(await Promise.all(runs), [0, 1, 2, 3]);
  assert.deepEqual(began, [0, 1, 2, 3]);
});

Deno.test("work that fails makes room all the same", async () => {
  const turnstile = new Turnstile({ runningMax: 1, waitingMax: 0 });
  for (let count = 0; count < 3; count++) {
    await assert.rejects(turnstile.run(() => Promise.reject(new Error("no"))), /no/);
  }
  assert.equal(await turnstile.run(() => Promise.resolve("yes")), "yes");
});
