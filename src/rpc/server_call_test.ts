import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { silentLog } from "../runtime/log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { ByteBudget } from "./byte_budget.ts";
import { Deadlines } from "./deadlines.ts";
import { MESSAGE_BYTES_MAX } from "./definition.ts";
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES } from "./http2/frame.ts";
import { ServerStream, STREAM_WINDOW_BYTES } from "./http2/stream.ts";
import { messagePrefix } from "./message_reader.ts";
import { ServerCall } from "./server_call.ts";

/** A call whose caller sends messages of `length` bytes, in whole frames, for as long as the window lets him. */
function called(length: number) {
  let window = STREAM_WINDOW_BYTES;
  const stream = new ServerStream(1, { method: "POST", path: "/s/M", headers: [] }, STREAM_WINDOW_BYTES, {
    wake() {},
    forget() {},
    sendControl: (frame) => window += frame.readUInt32BE(FRAME_HEADER_BYTES),
  });
  const call = new ServerCall(stream, new ByteBudget(MESSAGE_BYTES_MAX));
  const message = Buffer.concat([messagePrefix(length, MESSAGE_BYTES_MAX), Buffer.alloc(length)]);
  let sent = 0;
  const send = (bytesMax: number) => {
    while (sent < bytesMax) {
      const at = sent % message.length;
      const bytes = message.subarray(at, at + FRAME_BYTES_MAX);
      if (bytes.length > window) break;
      window -= bytes.length;
      sent += bytes.length;
      stream.receive(bytes, 0);
    }
    return sent;
  };
  return { call, message, send };
}

Deno.test("messages that nobody takes hold their caller up, however long they are and whatever frames they come in", () => {
  for (const length of [FRAME_BYTES_MAX, 20_000, 100_000, 1_000_000]) {
    const { message, send } = called(length);
    const sent = send(100_000_000);
    assert.ok(sent <= STREAM_WINDOW_BYTES + message.length, `${sent} bytes of messages of ${length}`);
  }
});

Deno.test("when all that came was taken there is room for as much again", async () => {
  for (const length of [FRAME_BYTES_MAX, 20_000, 100_000, 1_000_000]) {
    const { call, message, send } = called(length);
    const requests = call.requests();
    for (let taken = 1; taken <= 100; taken++) {
      send(100 * message.length);
      assert.equal((await requests.next()).value?.length, length);
    }
  }
});

/** A call that has sent nothing yet, whose messages may take `bytesMax` bytes. */
function callWith(bytesMax: number, coding = "identity") {
  const budget = new ByteBudget(bytesMax);
  const headers = [["grpc-encoding", coding], ["grpc-timeout", "60S"]] as const;
  const head = { method: "POST", path: "/s/M", headers };
  const stream = new ServerStream(1, head, STREAM_WINDOW_BYTES, { wake() {}, forget() {}, sendControl() {} });
  const call = new ServerCall(stream, budget);
  const send = (message: Buffer) => {
    const prefix = messagePrefix(message.length, MESSAGE_BYTES_MAX);
    prefix[0] = coding === "identity" ? 0 : 1;
    call.onData(Buffer.concat([prefix, message]));
  };
  return { budget, call, send };
}

Deno.test("a message counts from its first byte until the next is wanted, and all of them until the call is done with", async () => {
  const { budget, call, send } = callWith(1_000);
  const requests = call.requests();
  call.onData(messagePrefix(100, MESSAGE_BYTES_MAX));
  assert.equal(budget.held, 100, "of one that is not there yet");
  call.onData(Buffer.alloc(100));
  send(Buffer.alloc(10));
  assert.equal((await requests.next()).value?.length, 100);
  assert.equal(budget.held, 110, "its handler has it");
  assert.equal((await requests.next()).value?.length, 10);
  assert.equal(budget.held, 10);
  call.onData(messagePrefix(500, MESSAGE_BYTES_MAX));
  call.finish();
  assert.equal(budget.held, 510, "the handler may have it still");
  call[Symbol.dispose]();
  call[Symbol.dispose]();
  assert.equal(budget.held, 0);
});

Deno.test("who goes on with a message after the call was done with gives nothing back a second time", async () => {
  const { budget, call, send } = callWith(1_000);
  const requests = call.requests();
  send(Buffer.alloc(100));
  await requests.next();
  call.finish();
  call[Symbol.dispose]();
  assert.equal((await requests.next()).done, true);
  assert.equal(budget.held, 0);
});

Deno.test("a call that has ended leaves no deadline behind, and one that has not ends at its own", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock, silentLog());
  const { call } = callWith(1_000);
  call.limitTime(deadlines);
  call.finish();
  await clock.advance(200);
  assert.equal(clock.pendingTimers, 0);
  const { call: late } = callWith(1_000);
  late.limitTime(deadlines);
  await clock.advance(60_200);
  assert.equal(late.endCode, status.DEADLINE_EXCEEDED);
});

Deno.test("a call whose messages find no room any more ends and says so", async () => {
  const { call, send } = callWith(1_000);
  send(Buffer.alloc(600));
  assert.equal(call.endCode, undefined);
  send(Buffer.alloc(401));
  assert.equal(call.endCode, status.RESOURCE_EXHAUSTED);
  await assert.rejects(call.request(), { code: "cancelled" });
});

Deno.test("a packed message counts as what comes out of it, while it comes, and what it was packed in no more", async () => {
  const packed = gzipSync(Buffer.alloc(100_000));
  const { budget, call, send } = callWith(100_000 + packed.length, "gzip");
  const requests = call.requests();
  send(packed);
  assert.equal(budget.held, packed.length);
  assert.equal((await requests.next()).value?.length, 100_000);
  assert.equal(budget.held, 100_000);
  const tight = callWith(99_999, "gzip");
  tight.send(packed);
  await assert.rejects(tight.call.requests().next(), { code: "resource_exhausted" });
});

Deno.test("what is being unpacked when its call ends takes no more room", async () => {
  const { budget, call, send } = callWith(100_000_000, "gzip");
  const requests = call.requests();
  send(gzipSync(Buffer.alloc(1_000_000)));
  const next = requests.next();
  call.finish();
  call[Symbol.dispose]();
  await assert.rejects(next, { code: "cancelled" });
  assert.equal(budget.held, 0);
});
