import assert from "node:assert/strict";
import { MemoryLog } from "../../testing/memory_log.ts";
import { Outputs } from "./outputs.ts";
import { taskWishes } from "./task_wishes.ts";

const NEVER = new AbortController().signal;
const WISHES = taskWishes(new Headers({ "X-Dragonfly-Output-Path": "/out" }));

function setup(isAllowed = true) {
  const calls: string[] = [];
  const writer = {
    check: ({ path }: { path: string }) => Promise.resolve(void calls.push(`check ${path}`)),
    write: (taskId: string, { path }: { path: string }) => Promise.resolve(void calls.push(`write ${taskId} ${path}`)),
  };
  const outputs = new Outputs(isAllowed ? writer : undefined, new MemoryLog());
  const deliveryOf = (ip: string, method = "GET") =>
    outputs.deliveryOf(new Request("http://a/", { method }), WISHES, {
      remote: { hostname: ip, port: 1 },
      signal: NEVER,
    });
  return { calls, deliveryOf };
}

Deno.test("a path is looked at before the download, and written to after it", async () => {
  const { calls, deliveryOf } = setup();
  for (const ip of ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]) await (await deliveryOf(ip))?.("task");
  assert.deepEqual(calls, Array(4).fill(["check /out", "write task /out"]).flat());
});

Deno.test("only a process of this host may have a file written, and only where that is allowed", async () => {
  for (const [isAllowed, ip] of [[true, "192.0.2.1"], [true, "::2"], [false, "127.0.0.1"]] as const) {
    const { calls, deliveryOf } = setup(isAllowed);
    await assert.rejects(deliveryOf(ip), { code: "permission_denied", message: /X-Dragonfly-Output-Path/ });
    assert.deepEqual(calls, []);
  }
});

Deno.test("HEAD writes nothing", async () => {
  assert.equal(await setup().deliveryOf("127.0.0.1", "HEAD"), undefined);
});
