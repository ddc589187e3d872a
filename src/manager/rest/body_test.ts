import assert from "node:assert/strict";
import * as z from "zod";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { readBody } from "./body.ts";

function post(body: BodyInit): Request {
  return new Request("http://manager/", { method: "POST", body });
}

Deno.test("a body that does not arrive in time is given up, and its sender is told to stop", async () => {
  const clock = new VirtualClock();
  let cancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    cancel: () => void (cancelled = true),
  });
  const outcome = assert.rejects(readBody(post(body), z.unknown(), clock), { code: "timeout" });
  await settle();
  await clock.advance(10_000);
  await outcome;
  assert.equal(cancelled, true);
});

Deno.test("a character that lies across two chunks is read whole", async () => {
  const bytes = new TextEncoder().encode('"ä"');
  const body = ReadableStream.from([bytes.slice(0, 2), bytes.slice(2)]);
  assert.equal(await readBody(post(body), z.string(), new VirtualClock()), "ä");
});

Deno.test("no body at all is not JSON", async () => {
  const request = new Request("http://manager/", { method: "POST" });
  await assert.rejects(readBody(request, z.unknown(), new VirtualClock()), { code: "invalid_argument" });
});

Deno.test("a caller who goes away within the body is no fault of ours", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  await assert.rejects(readBody(post(body), z.unknown(), new VirtualClock()), { code: "cancelled" });
});
