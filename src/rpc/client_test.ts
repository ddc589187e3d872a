import assert from "node:assert/strict";
import http2 from "node:http2";
import type { Socket } from "node:net";
import { silentLog } from "../runtime/log.ts";
import { RpcChannel } from "./channel.ts";
import { createRpcClient, RpcChannels } from "./client.ts";
import { DfdaemonUploadService, SyncPiecesResponse } from "./gen/dfdaemon/v2/dfdaemon.ts";
import { AnnouncePeerRequest, type AnnouncePeerResponse, SchedulerService } from "./gen/scheduler/v2/scheduler.ts";
import { type CallContext, type Handlers, service, startRpcServer } from "./server.ts";
import { clock, limited, loopback, untilAborted } from "./testdata/calls.ts";

const { signal } = limited;

function serveScheduler(handlers: Handlers<typeof SchedulerService>, port = 0) {
  const listen = { ...loopback, port };
  return startRpcServer({ listen, services: [service(SchedulerService, handlers)], log: silentLog(), clock });
}

async function* answerNothing(_: unknown, context: CallContext): AsyncGenerator<AnnouncePeerResponse> {
  yield* [];
  await untilAborted(context.signal);
}

async function* endAfterFirst(requests: AsyncIterable<AnnouncePeerRequest>): AsyncGenerator<AnnouncePeerResponse> {
  yield* [];
  for await (const _ of requests) return;
}

const answering = { listHosts: () => Promise.resolve({ hosts: [] }) };

/** Accepts connections and says nothing. */
function serveSilence() {
  const listener = Deno.listen(loopback);
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}

Deno.test("nobody at the address is unavailable at once", async () => {
  const listener = Deno.listen(loopback);
  listener.close();
  const address = `127.0.0.1:${listener.addr.port}`;
  using client = createRpcClient(SchedulerService, address, { clock, connectTimeoutMs: 60_000 });
  const message = new RegExp(address);
  const unlimited = { signal, timeoutMs: 60_000 };
  await assert.rejects(client.listHosts({}, unlimited), { code: "unavailable", message });
  await assert.rejects(Array.fromAsync(client.announcePeer({ signal }).responses), { code: "unavailable", message });
});

Deno.test("a remote that accepts but does not speak is given up after the time to connect", async () => {
  await using silence = serveSilence();
  using client = createRpcClient(SchedulerService, `127.0.0.1:${silence.port}`, { clock, connectTimeoutMs: 20 });
  const stream = client.announcePeer({ signal });
  const expected = { code: "unavailable", message: /no answer within 20 ms/ };
  await assert.rejects(stream.send(AnnouncePeerRequest.create({})), expected);
  await assert.rejects(Array.fromAsync(stream.responses), expected);
});

Deno.test("a call that takes too long is a timeout that names the method and the address", async () => {
  await using server = await serveScheduler({
    listHosts: (_, context) => untilAborted(context.signal),
    announcePeer: answerNothing,
  });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const short = { signal, timeoutMs: 20 };
  const message = new RegExp(`ListHosts at 127.0.0.1:${server.port}`);
  await assert.rejects(client.listHosts({}, short), { code: "timeout", message });
  await assert.rejects(Array.fromAsync(client.announcePeer(short).responses), { code: "timeout" });
});

Deno.test("an aborted signal ends calls with its reason", async () => {
  const started = Promise.withResolvers<void>();
  await using server = await serveScheduler({
    listHosts: (_, context) => {
      started.resolve();
      return untilAborted(context.signal);
    },
    announcePeer: answerNothing,
  });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const abort = new AbortController();
  const stream = client.announcePeer({ signal: abort.signal });
  const results = Promise.allSettled([
    client.listHosts({}, { signal: abort.signal, timeoutMs: 60_000 }),
    Array.fromAsync(stream.responses),
  ]);
  await started.promise;
  const reason = new Error("No longer wanted");
  abort.abort(reason);
  assert.deepEqual(await results, [{ status: "rejected", reason }, { status: "rejected", reason }]);
  await assert.rejects(client.listHosts({}, { signal: abort.signal, timeoutMs: 60_000 }), reason);
});

Deno.test("leaving the loop over a server stream cancels the call", async () => {
  const ended = Promise.withResolvers<void>();
  const upload = service(DfdaemonUploadService, {
    syncPieces: async function* (_, context) {
      context.signal.addEventListener("abort", () => ended.resolve());
      for (let number = 0; !context.signal.aborted; number++) yield SyncPiecesResponse.create({ number });
    },
  });
  await using server = await startRpcServer({ listen: loopback, services: [upload], log: silentLog(), clock });
  using client = createRpcClient(DfdaemonUploadService, `127.0.0.1:${server.port}`, { clock });
  const request = { hostId: "h", taskId: "t", interestedPieceNumbers: [] };
  for await (const { number } of client.syncPieces(request, limited)) if (number === 100) break;
  await ended.promise;
});

Deno.test("a client finds a server again that was restarted", async () => {
  const first = await serveScheduler(answering);
  using client = createRpcClient(SchedulerService, `127.0.0.1:${first.port}`, { clock });
  await client.listHosts({}, limited);
  await first[Symbol.asyncDispose]();
  await using _second = await serveScheduler(answering, first.port);
  using limit = clock.deadline(limited.timeoutMs);
  while (await client.listHosts({}, limited).then(() => false, () => true)) limit.signal.throwIfAborted();
});

Deno.test("a connection that is lost during a call is unavailable", async () => {
  const server = http2.createServer();
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.on("stream", () => sockets.pop()?.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  using client = createRpcClient(SchedulerService, `127.0.0.1:${port}`, { clock });
  await assert.rejects(client.listHosts({}, limited), { code: "unavailable" });
  await assert.rejects(Array.fromAsync(client.announcePeer(limited).responses), { code: "unavailable" });
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("metadata reaches the handler, and headers can come before the first response", async () => {
  const tags: unknown[] = [];
  await using server = await serveScheduler({
    announcePeer: (requests, context) => {
      tags.push(context.metadata.get("x-tag"));
      context.sendHeaders();
      return endAfterFirst(requests);
    },
  });
  using client = createRpcClient(SchedulerService, `127.0.0.1:${server.port}`, { clock });
  const stream = client.announcePeer({ ...limited, metadata: { "x-tag": "blue" } });
  await stream.send(AnnouncePeerRequest.create({}));
  assert.deepEqual(await Array.fromAsync(stream.responses), []);
  assert.deepEqual(tags, ["blue"]);
});

Deno.test("a pool shares a channel per address and closes the one idle for longest", async () => {
  await using one = await serveScheduler(answering);
  await using two = await serveScheduler(answering);
  await using three = await serveScheduler(answering);
  using channels = new RpcChannels({ clock, channelsMax: 2 });
  const list = (port: number) => channels.client(SchedulerService, `127.0.0.1:${port}`).listHosts({}, limited);
  await Promise.all([list(one.port), list(one.port), list(two.port)]);
  assert.equal(channels.addresses().length, 2);
  await list(one.port);
  await list(three.port);
  assert.deepEqual(channels.addresses(), [`127.0.0.1:${one.port}`, `127.0.0.1:${three.port}`]);
});

Deno.test("a pool whose channels are all busy refuses another one, and takes it when a call has ended", async () => {
  await using busy = await serveScheduler({
    announcePeer: endAfterFirst,
  });
  await using other = await serveScheduler(answering);
  using channels = new RpcChannels({ clock, channelsMax: 1 });
  const stream = channels.client(SchedulerService, `127.0.0.1:${busy.port}`).announcePeer(limited);
  const client = channels.client(SchedulerService, `127.0.0.1:${other.port}`);
  await assert.rejects(client.listHosts({}, limited), { code: "resource_exhausted" });
  await stream.send(AnnouncePeerRequest.create({}));
  await Array.fromAsync(stream.responses);
  assert.deepEqual(await client.listHosts({}, limited), { hosts: [] });
});

Deno.test("a channel that is closed in the turn in which it was opened connects no more", async () => {
  const client = createRpcClient(SchedulerService, "127.0.0.1:1", { clock });
  const stop = new AbortController();
  const call = client.listHosts({}, { signal: stop.signal, timeoutMs: 1_000 });
  const reason = new Error("enough");
  stop.abort(reason);
  client[Symbol.dispose]();
  await assert.rejects(call, reason); // that no timer and no connection is left is checked by the test runner
});

Deno.test("a channel that is closed pings no more, also while a call still keeps its connection open", async () => {
  await using server = await serveScheduler({ announcePeer: answerNothing });
  const channel = new RpcChannel(`127.0.0.1:${server.port}`, { clock });
  const { path, requestSerialize, responseDeserialize } = SchedulerService.announcePeer;
  await channel.settled(signal);
  const call = channel.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const ended = new Promise((resolve) => call.on("error", () => {}).on("status", resolve));
  await new Promise<void>((resolve) => call.write(AnnouncePeerRequest.create({}), () => resolve()));
  const [transport] = transportsOf(channel);
  assert.ok(transport?.keepaliveTimer, "this grpc-js keeps the timer elsewhere");
  channel[Symbol.dispose]();
  assert.equal(transport.keepaliveTimer, null);
  call.cancel();
  await ended;
});

/** The connections of a channel, where grpc-js keeps them. */
function transportsOf({ client }: RpcChannel): { keepaliveTimer: unknown }[] {
  type Pool = Record<string, { subchannel: { transport: { keepaliveTimer: unknown } } }[]>;
  const { internalChannel } = client.getChannel() as unknown as { internalChannel: { subchannelPool: { pool: Pool } } };
  return Object.values(internalChannel.subchannelPool.pool).flat().map(({ subchannel }) => subchannel.transport);
}
