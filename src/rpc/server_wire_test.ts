/** What callers get who are not grpc-js, or do what it never does. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import http2 from "node:http2";
import { gzipSync } from "node:zlib";
import "./http2_guard.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { MESSAGE_BYTES_MAX } from "./definition.ts";
import { AnnouncePeerRequest, SchedulerService, StatTaskRequest } from "./gen/scheduler/v2/scheduler.ts";
import { messagePrefix } from "./message_reader.ts";
import { type Handlers, type RpcServerOptions, service, startRpcServer } from "./server.ts";
import { clock, loopback, untilAborted } from "./testdata/calls.ts";

type Answer = { readonly headers: Record<string, unknown>; readonly trailers: Record<string, unknown>; bytes: number };

const PATH = "/scheduler.v2.Scheduler/StatTask";
const STREAM_PATH = "/scheduler.v2.Scheduler/AnnouncePeer";

/** A scheduler that knows one task and counts the letters of what a stream names. */
async function serve(options: Partial<RpcServerOptions> = {}, handlers: Handlers<typeof SchedulerService> = {}) {
  const asked: string[] = [];
  const scheduler = service(SchedulerService, {
    listHosts: () => Promise.resolve({ hosts: [] }),
    statTask: ({ taskId }) => {
      asked.push(taskId);
      return Promise.reject(new TypeError("not in this test"));
    },
    announcePeer: async function* (requests) {
      for await (const { taskId } of requests) asked.push(taskId);
      yield* [];
    },
    ...handlers,
  });
  const server = await startRpcServer({
    listen: loopback,
    services: [scheduler],
    log: new MemoryLog(),
    clock,
    ...options,
  });
  const session = http2.connect(`http://127.0.0.1:${server.port}`);
  session.on("error", () => {});
  return {
    server,
    asked,
    /** Calls with headers and content; the content may be in parts. */
    call(headers: Record<string, string>, ...content: readonly Uint8Array[]): Promise<Answer> {
      const stream = session.request({
        ":method": "POST",
        ":path": PATH,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      for (const bytes of content) stream.write(bytes);
      stream.end();
      return new Promise((resolve, reject) => {
        const answer: Answer = { headers: {}, trailers: {}, bytes: 0 };
        stream.on("response", (got: object) => Object.assign(answer.headers, got));
        stream.on("trailers", (got: object) => Object.assign(answer.trailers, got));
        stream.on("data", (got: Uint8Array) => answer.bytes += got.length);
        stream.on("error", reject);
        stream.on("close", () => resolve(answer));
      });
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => session.close(resolve));
      await server[Symbol.asyncDispose]();
      await closed;
    },
  };
}

function framed(message: Uint8Array, isCompressed = false): Buffer {
  const prefix = messagePrefix(message.length, MESSAGE_BYTES_MAX);
  prefix[0] = Number(isCompressed);
  return Buffer.concat([prefix, message]);
}

function about(taskId: string): Uint8Array {
  return StatTaskRequest.encode(StatTaskRequest.create({ taskId })).finish();
}

Deno.test("what is no call of gRPC gets an answer of HTTP", async () => {
  await using stage = await serve();
  for (const type of ["application/json", "application/grpcweb", ""]) {
    assert.equal((await stage.call({ "content-type": type })).headers[":status"], 415, type);
  }
  assert.equal((await stage.call({ ":method": "GET" })).headers[":status"], 405);
  const proto = await stage.call({ "content-type": "application/grpc+proto", ":path": "/no/Such" });
  assert.deepEqual([proto.headers[":status"], proto.headers["grpc-status"]], [200, "12"]);
  assert.match(String(proto.headers["grpc-message"]), /no method \/no\/Such/);
});

Deno.test("a message may be compressed, by a coding that is named and known; what it says is held to the same limit", async () => {
  await using stage = await serve();
  const packed = gzipSync(about("packed"));
  const gzip = { "grpc-encoding": "gzip", ":path": STREAM_PATH };
  const one = AnnouncePeerRequest.encode(AnnouncePeerRequest.create({ taskId: "one" })).finish();
  const answer = await stage.call(gzip, framed(gzipSync(one), true), framed(one));
  assert.deepEqual([answer.headers["grpc-status"], stage.asked], ["0", ["one", "one"]]);
  await stage.call({ "grpc-encoding": "gzip" }, framed(packed, true));
  assert.equal(stage.asked.at(-1), "packed");
  const refused: [Record<string, string>, Uint8Array, string][] = [
    [{ "grpc-encoding": "br" }, packed, "12"],
    [{}, packed, "13"],
    [{ "grpc-encoding": "identity" }, packed, "13"],
    [{ "grpc-encoding": "gzip" }, Buffer.from("no gzip"), "13"],
    [{ "grpc-encoding": "gzip" }, gzipSync(Buffer.alloc(MESSAGE_BYTES_MAX + 1)), "8"],
  ];
  for (const [headers, message, code] of refused) {
    assert.equal((await stage.call(headers, framed(message, true))).headers["grpc-status"], code, `${headers}`);
  }
  const bomb = await stage.call(gzip, framed(gzipSync(Buffer.alloc(MESSAGE_BYTES_MAX + 1)), true));
  assert.match(String(bomb.headers["grpc-message"]), /once it is unpacked/);
  const { headers } = await stage.call({ "grpc-encoding": "br" });
  assert.equal(headers["grpc-accept-encoding"], "identity,gzip,deflate");
});

Deno.test("a method of one message is not answered without it, nor with two, nor with a part of it", async () => {
  await using stage = await serve();
  const whole = framed(about("t"));
  const codeOf = async (...content: Uint8Array[]) => (await stage.call({}, ...content)).headers["grpc-status"];
  assert.equal(await codeOf(), "12");
  assert.equal(await codeOf(whole, whole), "12");
  assert.equal(await codeOf(whole.subarray(0, 4)), "13");
  assert.equal(await codeOf(whole.subarray(0, 6)), "13");
  assert.equal(await codeOf(Buffer.of(7, 0, 0, 0, 0)), "13");
  assert.equal(await codeOf(framed(Buffer.of(0xff, 0xff))), "13", "no protobuf");
  assert.deepEqual(stage.asked, []);
  await stage.call({}, ...[...whole].map((byte) => Buffer.of(byte)));
  assert.deepEqual(stage.asked, ["t"], "byte by byte it is whole");
});

Deno.test("what a handler takes of a stream makes room for more, in long messages and in many", async () => {
  await using stage = await serve();
  const long = AnnouncePeerRequest.encode(AnnouncePeerRequest.create({ taskId: "x".repeat(300_000) })).finish();
  const short = AnnouncePeerRequest.encode(AnnouncePeerRequest.create({ taskId: "y".repeat(1_000) })).finish();
  const all = [long, ...Array.from({ length: 300 }, () => short), long];
  const { headers } = await stage.call({ ":path": STREAM_PATH }, ...all.map((message) => framed(message)));
  assert.deepEqual([headers["grpc-status"], stage.asked.length], ["0", 302]);
});

Deno.test("a message that would be too long is refused at its first bytes", async () => {
  await using stage = await serve();
  const prefix = messagePrefix(MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX);
  prefix.writeUInt32BE(MESSAGE_BYTES_MAX + 1, 1);
  const { headers } = await stage.call({ ":path": STREAM_PATH }, prefix);
  assert.equal(headers["grpc-status"], "8");
});

Deno.test("messages of one connection have a limit together, those of all have one, and what ends makes room", async () => {
  const eachMax = 2 * 64 * 1024; // as much as is set aside for two long messages before they come
  await using stage = await serve({ heldBytesMax: 4 * eachMax });
  await using stack = new AsyncDisposableStack();
  const pinged = (session: http2.ClientHttp2Session) =>
    new Promise<void>((resolve) => void session.ping(() => resolve()));
  const connect = () => {
    const session = http2.connect(`http://127.0.0.1:${stage.server.port}`);
    stack.defer(() => new Promise((resolve) => void session.close(resolve)));
    return session;
  };
  /** Begins a long message; resolves once the server has that, with the status if that ended the call. */
  const begin = async (session: http2.ClientHttp2Session) => {
    const headers = { ":method": "POST", ":path": STREAM_PATH, "content-type": "application/grpc" };
    const stream = session.request(headers);
    stream.on("error", () => {});
    const refused = new Promise<string>((resolve) => {
      stream.on("response", (got: Record<string, unknown>) => resolve(String(got["grpc-status"])));
    });
    stack.defer(() => void stream.close(http2.constants.NGHTTP2_CANCEL));
    await new Promise<void>((resolve) =>
      void stream.write(messagePrefix(1_000_000, MESSAGE_BYTES_MAX), () => resolve())
    );
    const isThere = pinged(session).then(() => pinged(session)); // an answer to what came before follows the first
    return { stream, status: await Promise.race([refused, isThere.then(() => "held")]) };
  };
  const [first, ...others] = Array.from({ length: 4 }, connect);
  assert.ok(first !== undefined);
  const held = await begin(first);
  assert.deepEqual([held.status, (await begin(first)).status, (await begin(first)).status], ["held", "held", "8"]);
  for (const session of others) {
    assert.deepEqual([(await begin(session)).status, (await begin(session)).status], ["held", "held"]);
  }
  const last = connect();
  assert.equal((await begin(last)).status, "8");
  held.stream.close(http2.constants.NGHTTP2_CANCEL);
  await pinged(first);
  assert.equal((await begin(last)).status, "held");
});

Deno.test("a time that a caller gives is held to, and one that is no time is refused", async () => {
  const untilOver = (_: unknown, { signal }: { readonly signal: AbortSignal }) => untilAborted(signal);
  await using stage = await serve({}, { statTask: untilOver });
  const codeOf = async (time: string) =>
    (await stage.call({ "grpc-timeout": time }, framed(about("t")))).headers["grpc-status"];
  assert.equal(await codeOf("20m"), "4");
  assert.equal(await codeOf("1u"), "4");
  assert.equal(await codeOf("soon"), "13");
  const inTime = { "grpc-timeout": "60S", ":path": "/scheduler.v2.Scheduler/ListHosts" };
  const { trailers } = await stage.call(inTime, framed(Buffer.alloc(0))); // leaves no timer behind
  assert.equal(trailers["grpc-status"], "0");
});

Deno.test("a caller who says nothing for 40 s is cut off, and one who speaks stays", async () => {
  const time = new VirtualClock();
  await using stage = await serve({ clock: time });
  await stage.call({ ":path": "/scheduler.v2.Scheduler/ListHosts" }, framed(Buffer.alloc(0)));
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: stage.server.port });
  const said = silent.readable.pipeThrough(new TransformStream()).pipeTo(new WritableStream()).then(() => "over");
  for (let step = 0; step < 5; step++) {
    await stage.call({ ":path": "/no/Such" }); // lets what was sent so far arrive
    await time.advance(10_000);
  }
  assert.equal(await said, "over");
  assert.equal((await stage.call({ ":path": "/no/Such" })).headers[":status"], 200);
});

Deno.test("a caller whose connection breaks ends what he asked for", async () => {
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  await using stage = await serve({}, {
    // deno-lint-ignore require-yield -- it ends with its caller
    announcePeer: async function* (_, { signal }) {
      begun.resolve();
      await untilAborted(signal).catch(() => over.resolve());
    },
  });
  const other = http2.connect(`http://127.0.0.1:${stage.server.port}`);
  other.on("error", () => {});
  other.request({ ":method": "POST", ":path": STREAM_PATH, "content-type": "application/grpc" }).on("error", () => {});
  await begun.promise;
  other.destroy();
  await over.promise;
});
