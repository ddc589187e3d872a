import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { realClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { currentRequest, inRequest, NO_TRACER, type Tracer } from "../runtime/tracing.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { type FinishedSpan, Recorder } from "./span.ts";
import { createRpcClient } from "../rpc/client.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { startRpcServer } from "../rpc/server.ts";
import { service } from "../rpc/service.ts";

const clock = realClock();
const random = seededRandom(1);
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const limited = { signal: new AbortController().signal, timeoutMs: 10_000 };

/** A server that notes for which request it is called; `tracer` is its own. */
async function serve(tracer: Tracer, beginsRequestAt: readonly string[] = []) {
  const seen: (string | undefined)[] = [];
  const note = () => void seen.push(currentRequest()?.requestId);
  const handlers = service(SchedulerService, {
    listHosts: () => {
      note();
      return Promise.resolve({ hosts: [] });
    },
    statTask: () => Promise.reject(new DamselflyError("not_found", "No such task")),
    announcePeer: async function* (requests) {
      for await (const { hostId } of requests) {
        if (hostId === "unknown") throw new DamselflyError("failed_precondition", "No such host");
        note();
        yield { response: undefined };
      }
    },
  });
  const listen = { hostname: "127.0.0.1", port: 0 };
  const requests = { tracer, random };
  const server = await startRpcServer({
    ...{ listen, services: [handlers], log: silentLog(), clock, requests, beginsRequestAt },
  });
  const client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  return {
    ...{ client, seen },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function recorder() {
  const ended: FinishedSpan[] = [];
  const tracer = new Recorder({ clock, random, sampleRatio: 1, onEnd: (span) => void ended.push(span) });
  return { tracer, ended };
}

Deno.test("a call is made for the request of its caller, whether somebody traces it or not", async () => {
  await using stage = await serve(NO_TRACER);
  await inRequest({ requestId: TRACE }, async () => {
    await stage.client.listHosts({}, limited);
    const stream = stage.client.announcePeer(limited);
    await stream.send({ hostId: "h", taskId: "t", peerId: "p", request: undefined });
    stream.end();
    await Array.fromAsync(stream.responses);
  });
  await stage.client.listHosts({}, limited);
  assert.deepEqual(stage.seen, [TRACE, TRACE, undefined]);
});

Deno.test("requests begin at the methods that are named, and get an id there", async () => {
  await using stage = await serve(NO_TRACER, [SchedulerService.listHosts.path]);
  await stage.client.listHosts({}, limited);
  assert.match(stage.seen[0] ?? "", /^[0-9a-f]{32}$/);
});

Deno.test("a call is a step on both sides, which says how it ended", async () => {
  const [ours, theirs] = [recorder(), recorder()];
  await using stage = await serve(theirs.tracer);
  const span = ours.tracer.begin("pull", { traceId: TRACE });
  await inRequest({ requestId: TRACE, span }, async () => {
    await stage.client.listHosts({}, limited);
    await assert.rejects(stage.client.statTask({ hostId: "h", taskId: "t" }, limited));
    const stream = stage.client.announcePeer(limited);
    await stream.send({ hostId: "h", taskId: "t", peerId: "p", request: undefined });
    stream.end();
    await Array.fromAsync(stream.responses);
  });
  await inRequest({ requestId: TRACE, span }, async () => {
    const stream = stage.client.announcePeer(limited);
    await stream.send({ hostId: "unknown", taskId: "t", peerId: "p", request: undefined });
    await assert.rejects(Array.fromAsync(stream.responses));
  });
  const names = ["ListHosts", "StatTask", "AnnouncePeer", "AnnouncePeer"].map((method) =>
    `scheduler.v2.Scheduler/${method}`
  );
  assert.deepEqual(ours.ended.map(({ name }) => name), names);
  assert.deepEqual(theirs.ended.map(({ name }) => name), names);
  for (const [index, { context, failure }] of ours.ended.entries()) {
    assert.equal(theirs.ended[index]?.parentSpanId, context.spanId);
    assert.equal(failure !== undefined, index % 2 === 1, String(failure));
    assert.equal(theirs.ended[index]?.failure !== undefined, index % 2 === 1);
  }
  assert.deepEqual(theirs.ended.map(({ attributes }) => attributes.get("rpc.grpc.status_code")), [0, 5, 0, 9]);
  for (const [{ ended }, kind] of [[ours, "client"], [theirs, "server"]] as const) {
    assert.deepEqual(
      ["rpc.system", "rpc.service", "rpc.method"].map((name) => ended[1]?.attributes.get(name)),
      ["grpc", "scheduler.v2.Scheduler", "StatTask"],
    );
    assert.equal(ended[1]?.kind, kind);
  }
});

Deno.test("a call that its caller gave up has failed on neither side", async () => {
  const ours = recorder();
  const ended = Promise.withResolvers<FinishedSpan>();
  await using stage = await serve(new Recorder({ clock, random, sampleRatio: 1, onEnd: ended.resolve }));
  const span = ours.tracer.begin("pull", { traceId: TRACE });
  await inRequest({ requestId: TRACE, span }, async () => {
    const stream = stage.client.announcePeer(limited);
    await stream.send({ hostId: "h", taskId: "t", peerId: "p", request: undefined });
    for await (const _ of stream.responses) break;
  });
  const { attributes, failure } = await ended.promise;
  assert.deepEqual([attributes.get("rpc.grpc.status_code"), failure], [1, undefined]);
  assert.deepEqual(ours.ended.map(({ failure }) => failure), [undefined]);
});
