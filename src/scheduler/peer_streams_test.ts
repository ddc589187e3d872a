import assert from "node:assert/strict";
import { AnnouncePeerRequest } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { AsyncQueue } from "../rpc/async_queue.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { PeerStreams } from "./peer_streams.ts";

Deno.test("a registration that comes after its stream was ended is not handled", async () => {
  const clock = new VirtualClock();
  const streams = new PeerStreams(clock);
  using stream = streams.open();
  const messages = new AsyncQueue<AnnouncePeerRequest>(1);
  const handled: AnnouncePeerRequest[] = [];
  const reading = stream.read(messages, (message) => handled.push(message));
  await clock.advance(10_000);
  streams.expire();
  messages.tryPush(AnnouncePeerRequest.create({ peerId: "late" }));
  await reading;
  assert.deepEqual(handled, []);
  await assert.rejects(Array.fromAsync(stream.responses), { code: "timeout" });
});
