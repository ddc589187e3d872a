import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
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
  const call = new ServerCall(stream);
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
