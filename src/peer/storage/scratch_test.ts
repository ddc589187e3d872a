import assert from "node:assert/strict";
import { Scratch } from "./scratch.ts";

Deno.test("a buffer is lent to one at a time, and then to others", async () => {
  const scratch = new Scratch(16);
  const done = Promise.withResolvers<void>();
  const first = scratch.lend(async (buffer) => {
    await done.promise;
    return buffer;
  });
  const second = await scratch.lend((buffer) => Promise.resolve(buffer));
  done.resolve();
  assert.notEqual(await first, second);
  assert.ok([await first, second].includes(await scratch.lend((buffer) => Promise.resolve(buffer))));
});

Deno.test("a buffer comes back from whoever fails, and not more of them are kept than a few", async () => {
  const scratch = new Scratch(16);
  let failed: Uint8Array | undefined;
  await assert.rejects(
    scratch.lend((buffer) => {
      failed = buffer;
      return Promise.reject(new Error("disk"));
    }),
    { message: "disk" },
  );
  assert.equal(await scratch.lend((buffer) => Promise.resolve(buffer)), failed);
  const lendMany = async () => {
    const done = Promise.withResolvers<void>();
    const lent = Array.from({ length: 20 }, () => scratch.lend((buffer) => done.promise.then(() => buffer)));
    done.resolve();
    return new Set(await Promise.all(lent));
  };
  const before = await lendMany();
  assert.equal([...await lendMany()].filter((buffer) => before.has(buffer)).length, 4);
});
