import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import { Connection } from "./connection.ts";
import { ErrorCode, Flag, type Frame, frame, FRAME_BYTES_MAX, FrameReader, FrameType, words } from "./frame.ts";
import { HeaderDecoder } from "./header_decoder.ts";
import { block, okBlock } from "./header_encoder.ts";
import type { Header } from "./header_table.ts";
import { type ServerStream, STREAM_WINDOW_BYTES, type StreamListener } from "./stream.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(0));
const REQUEST: readonly Header[] = [[":method", "POST"], [":scheme", "http"], [":path", "/s/M"]];
const HEADERS = okBlock([]);
const TRAILERS = block([["grpc-status", "0"]]);
const { HEADERS: HEAD, DATA, RST_STREAM, GOAWAY, PING, WINDOW_UPDATE } = FrameType;

/** A socket without a network: what is written is kept, and taken when the test says so. */
class StillSocket extends EventEmitter {
  writableLength = 0;
  takesAll = true;
  isEnded = false;
  isPaused = false;
  readonly #reader = new FrameReader();
  #frames: Frame[] = [];

  write(bytes: Buffer): boolean {
    this.#frames.push(...this.#reader.push(bytes));
    if (!this.takesAll) this.writableLength += bytes.length;
    return this.takesAll;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isEnded = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** What was waiting has left. */
  drain(): void {
    this.writableLength = 0;
    this.emit("drain");
  }

  /** The frames since the last time. */
  async sent(): Promise<Frame[]> {
    await new Promise<void>((resolve) => nextTick(resolve));
    return this.#frames.splice(0);
  }
}

type Told = { data: number; isEnded: boolean; isClosed: boolean };

/** A connection whose client is the test. */
function connect(options: { streamsMax?: number; isGreeted?: boolean } = {}) {
  const socket = new StillSocket();
  const requests: (ServerStream & { readonly told: Told })[] = [];
  const connection = new Connection(socket as unknown as Duplex, {
    streamsMax: options.streamsMax ?? 10,
    onDrained() {},
    onRequest(stream) {
      const told = { data: 0, isEnded: false, isClosed: false };
      const listener: StreamListener = {
        onData: (bytes) => told.data += bytes.length,
        onEnd: () => told.isEnded = true,
        onClosed: () => told.isClosed = true,
      };
      stream.listener = listener;
      requests.push(Object.assign(stream, { told }));
    },
  });
  const receive = (...frames: readonly Uint8Array[]) => socket.emit("data", Buffer.concat(frames));
  if (options.isGreeted ?? true) receive(PREFACE, SETTINGS);
  return { socket, connection, requests, receive };
}

function request(streamId: number, flags: number = Flag.END_STREAM): Buffer {
  return frame(HEAD, Flag.END_HEADERS | flags, streamId, block(REQUEST));
}

function data(streamId: number, bytes: number, flags: number = Flag.NONE): Buffer {
  return frame(DATA, flags, streamId, Buffer.alloc(bytes));
}

function window(streamId: number, bytes: number): Buffer {
  return frame(WINDOW_UPDATE, Flag.NONE, streamId, words(bytes));
}

function setting(id: number, value: number): Buffer {
  return frame(FrameType.SETTINGS, Flag.NONE, 0, Buffer.concat([Buffer.of(0, id), words(value)]));
}

function ofType(frames: readonly Frame[], type: number): Frame[] {
  return frames.filter((each) => each.type === type);
}

function bytesOf(frames: readonly Frame[], streamId: number): number {
  return frames.reduce((sum, { type, streamId: id, payload }) => {
    return type === DATA && id === streamId ? sum + payload.length : sum;
  }, 0);
}

/** The code with which the connection, or a stream, was ended. */
function codeOf(frames: readonly Frame[], type: number): number | undefined {
  const payload = frames.find((each) => each.type === type)?.payload;
  return payload?.readUInt32BE(type === GOAWAY ? 4 : 0);
}

Deno.test("a request is answered with headers, content and trailers, in one write", async () => {
  const { socket, requests, receive } = connect();
  await socket.sent();
  receive(request(1));
  const [stream] = requests;
  assert.equal(stream?.head.path, "/s/M");
  assert.ok(stream.told.isEnded);
  stream.respond(HEADERS);
  stream.write(Buffer.from("ab"));
  stream.write(Buffer.from("c"));
  stream.finish(TRAILERS);
  const [headers, content, trailers, ...others] = await socket.sent();
  assert.deepEqual(others, []);
  assert.deepEqual([headers?.type, headers?.flags, headers?.streamId], [HEAD, Flag.END_HEADERS, 1]);
  assert.equal(content?.payload.toString(), "abc");
  assert.deepEqual([trailers?.type, trailers?.flags], [HEAD, Flag.END_HEADERS | Flag.END_STREAM]);
  assert.deepEqual(new HeaderDecoder().decode(trailers?.payload ?? PREFACE, 100).headers, [["grpc-status", "0"]]);
});

Deno.test("a caller who has not ended his request is told to stop once he has the answer, and what he sent is ignored", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1, Flag.NONE));
  requests[0]?.finish(TRAILERS);
  const frames = await socket.sent();
  assert.deepEqual(frames.slice(-2).map(({ type }) => type), [HEAD, RST_STREAM]);
  assert.equal(codeOf(frames, RST_STREAM), ErrorCode.NO_ERROR);
  receive(data(1, 3), window(1, 5), frame(RST_STREAM, 0, 1, words(ErrorCode.CANCEL)));
  assert.deepEqual(ofType(await socket.sent(), GOAWAY), []);
  assert.deepEqual(requests[0]?.told, { data: 0, isEnded: false, isClosed: false });
});

Deno.test("trailers that cross the end of their stream are ignored, and count for the headers that follow", async () => {
  const late: readonly Header[] = [["grpc-status", "0"], ["Not", "well formed"]];
  const remembered = Buffer.concat([Buffer.of(0x40, 1), Buffer.from("x"), Buffer.of(1), Buffer.from("y")]);
  const ends: [string, (stage: ReturnType<typeof connect>) => void][] = [
    ["reset by us", ({ requests }) => requests[0]?.reset(ErrorCode.CANCEL)],
    ["answered early", ({ requests }) => requests[0]?.finish(TRAILERS)],
    ["reset by its caller", ({ receive }) => receive(frame(RST_STREAM, 0, 1, words(ErrorCode.CANCEL)))],
  ];
  for (const [what, end] of ends) {
    const stage = connect({ streamsMax: 1 });
    const { socket, requests, receive } = stage;
    receive(request(1, Flag.NONE));
    receive(request(3, Flag.NONE)); // refused, for there may be one
    end(stage);
    await socket.sent();
    for (const streamId of [1, 3]) {
      const headers = Buffer.concat([block(late), remembered]);
      receive(frame(HEAD, Flag.END_HEADERS | Flag.END_STREAM, streamId, headers));
    }
    const head = Buffer.concat([block(REQUEST), Buffer.of(0x80 | 62)]);
    receive(frame(HEAD, Flag.END_HEADERS | Flag.END_STREAM, 5, head));
    assert.deepEqual(requests.at(-1)?.head.headers, [["x", "y"]], what);
    assert.deepEqual(ofType(await socket.sent(), GOAWAY), [], what);
  }
  const { socket, receive } = connect();
  receive(request(1), frame(HEAD, Flag.END_HEADERS, 1, block([["x", "y"]])));
  receive(frame(RST_STREAM, 0, 1, words(ErrorCode.CANCEL)), frame(HEAD, Flag.END_HEADERS, 1, block([["x", "y"]])));
  assert.equal(codeOf(await socket.sent(), GOAWAY), ErrorCode.STREAM_CLOSED, "trailers that end nothing are none");
});

Deno.test("headers that are too long for a frame go on in others", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1));
  await socket.sent();
  requests[0]?.finish(block([["x", "y".repeat(40_000)]]));
  const frames = await socket.sent();
  assert.deepEqual(frames.map(({ type }) => type), [HEAD, FrameType.CONTINUATION, FrameType.CONTINUATION]);
  assert.deepEqual(frames.map(({ flags }) => flags), [Flag.END_STREAM, 0, Flag.END_HEADERS]);
});

Deno.test("no more content is sent than the windows of stream and connection allow, and the rest when they open", async () => {
  const { socket, requests, receive } = connect();
  receive(setting(4, 30_000), request(1), request(3), request(5));
  for (const stream of requests) {
    stream.respond(HEADERS);
    stream.write(Buffer.alloc(40_000));
    stream.finish(TRAILERS);
  }
  let frames = await socket.sent();
  assert.ok(frames.every(({ payload }) => payload.length <= FRAME_BYTES_MAX));
  assert.deepEqual([1, 3, 5].map((id) => bytesOf(frames, id)), [30_000, 30_000, 5_535], "65,535 in all");
  receive(window(1, 20_000), window(5, 20_000));
  assert.equal(ofType(await socket.sent(), DATA).length, 0, "the connection has none left");
  receive(window(0, 10_000));
  frames = await socket.sent();
  assert.equal(bytesOf(frames, 1) + bytesOf(frames, 5), 10_000);
  receive(window(0, 1_000_000));
  frames = await socket.sent();
  const ends = () => ofType(frames, HEAD).map(({ streamId }) => streamId).toSorted();
  assert.deepEqual(ends(), [1, 5]);
  receive(setting(4, 40_000));
  frames = await socket.sent();
  assert.deepEqual([bytesOf(frames, 3), ends()], [10_000, [3]], "a larger window for all streams counts for old ones");
});

Deno.test("a window that shrinks below what was sent opens again only when that was made up for", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1));
  requests[0]?.write(Buffer.alloc(100_000));
  await socket.sent();
  receive(window(0, 100_000), setting(4, 0), window(1, 65_535));
  assert.equal(bytesOf(await socket.sent(), 1), 0);
  receive(window(1, 10));
  assert.equal(bytesOf(await socket.sent(), 1), 10);
});

Deno.test("who changes the window of all streams again and again is sent away", async () => {
  const { socket, receive } = connect();
  const changes = Array.from({ length: 999 }, (_, count) => setting(4, count));
  receive(...changes, setting(4, 998), setting(4, 0));
  assert.equal(codeOf(await socket.sent(), GOAWAY), undefined, "settings that change nothing do not count");
  receive(setting(4, 1));
  assert.equal(codeOf(await socket.sent(), GOAWAY), ErrorCode.ENHANCE_YOUR_CALM);
});

Deno.test("streams take turns, so that a long answer does not hold up a short one", async () => {
  const { socket, requests, receive } = connect();
  receive(setting(4, 2 ** 30), window(0, 2 ** 30), request(1), request(3));
  const [long, short] = requests;
  long?.write(Buffer.alloc(1_000_000));
  short?.write(Buffer.alloc(10));
  const frames = await socket.sent();
  const before = frames.slice(0, frames.findIndex(({ type, streamId }) => type === DATA && streamId === 3));
  assert.ok(bytesOf(before, 1) <= 65_536);
  for (let rest = 0; rest < 20; rest++) frames.push(...await socket.sent());
  assert.equal(bytesOf(frames, 1), 1_000_000);
});

Deno.test("of many long answers none waits until others are through, though they never end", async () => {
  const { socket, requests, receive } = connect();
  receive(setting(4, 2 ** 30), window(0, 2 ** 30), ...[1, 3, 5, 7, 9, 11].map((id) => request(id)));
  await socket.sent();
  for (const stream of requests) stream.write(Buffer.alloc(1_000_000));
  socket.takesAll = false;
  const frames = await socket.sent();
  socket.drain();
  frames.push(...await socket.sent());
  for (const { id } of requests) assert.ok(bytesOf(frames, id) > 0, `${id}`);
});

Deno.test("whoever writes waits no longer once the answer is over, though its caller takes nothing", async () => {
  const { requests, receive } = connect();
  receive(setting(4, 0), request(1));
  const [stream] = requests;
  stream?.write(Buffer.alloc(100_000));
  const room = stream?.room();
  assert.ok(room);
  stream?.finish(TRAILERS);
  await room;
  assert.equal(stream?.room(), undefined);
});

Deno.test("while the socket takes nothing no content is sent and whoever writes waits; after it drained they go on", async () => {
  const { socket, requests, receive } = connect();
  receive(setting(4, 2 ** 30), window(0, 2 ** 30), request(1));
  await socket.sent();
  const [stream] = requests;
  assert.ok(stream);
  stream.write(Buffer.alloc(10_000));
  assert.equal(stream.room(), undefined);
  socket.takesAll = false;
  stream.write(Buffer.alloc(1_000_000));
  let hasRoom = false;
  stream.room()?.then(() => hasRoom = true);
  const first = bytesOf(await socket.sent(), 1);
  assert.ok(first > 200_000 && first < 400_000, `${first}`);
  stream.write(Buffer.alloc(10));
  assert.equal(bytesOf(await socket.sent(), 1), 0);
  assert.equal(hasRoom, false);
  socket.takesAll = true;
  socket.drain();
  let rest = 0;
  for (let turn = 0; turn < 10; turn++) rest += bytesOf(await socket.sent(), 1);
  assert.equal(first + rest, 1_010_010);
  assert.equal(hasRoom, true);
});

Deno.test("a caller who takes no answers is not read any more, until he takes some", async () => {
  const { socket, receive } = connect();
  await socket.sent();
  socket.takesAll = false;
  const pings = Array.from({ length: 4_000 }, () => frame(PING, 0, 0, Buffer.alloc(8)));
  for (let turn = 0; turn < 15; turn++) {
    receive(...pings);
    await socket.sent();
  }
  assert.equal(socket.isPaused, false);
  receive(...pings, ...pings);
  assert.equal(socket.isPaused, true);
  socket.takesAll = true;
  socket.drain();
  assert.equal(socket.isPaused, false);
  assert.equal(ofType(await socket.sent(), PING).length, 8_000);
});

Deno.test("what came on a stream is given back when somebody took it, and on the connection at once", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1, Flag.NONE));
  await socket.sent();
  for (let sent = 0; sent < 60_000; sent += 10_000) receive(data(1, 10_000));
  assert.deepEqual(await socket.sent(), []);
  requests[0]?.credit(60_000);
  const [credit] = await socket.sent();
  assert.deepEqual([credit?.streamId, credit?.payload.readUInt32BE()], [1, 60_000]);
  for (let streamId = 3; streamId <= 19; streamId += 2) {
    receive(request(streamId, Flag.NONE), ...Array.from({ length: 6 }, () => data(streamId, 10_000)));
  }
  const ofConnection = ofType(await socket.sent(), WINDOW_UPDATE).filter(({ streamId }) => streamId === 0);
  assert.equal(ofConnection.length, 1);
});

Deno.test("who sends more than the window of a stream allows is cut off, padding included", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1, Flag.NONE));
  const padded = frame(DATA, Flag.PADDED, 1, Buffer.concat([Buffer.of(99), Buffer.alloc(99)]));
  for (let sent = 0; sent < STREAM_WINDOW_BYTES; sent += 1_000) receive(data(1, 900), padded);
  const frames = await socket.sent();
  assert.equal(codeOf(frames, RST_STREAM), ErrorCode.FLOW_CONTROL_ERROR);
  assert.deepEqual([requests[0]?.told.isClosed, ofType(frames, GOAWAY).length], [true, 0]);
});

Deno.test("what was taken may come again, padding at once, and no more of it than that", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1, Flag.NONE));
  await socket.sent();
  const padded = frame(DATA, Flag.PADDED, 1, Buffer.concat([Buffer.of(99), Buffer.alloc(999)]));
  let credited = 0;
  for (let count = 0; count < 800; count++) {
    receive(padded);
    requests[0]?.credit(900);
    const updates = ofType(await socket.sent(), WINDOW_UPDATE).filter(({ streamId }) => streamId === 1);
    for (const { payload } of updates) credited += payload.readUInt32BE();
  }
  assert.deepEqual(requests[0]?.told, { data: 720_000, isEnded: false, isClosed: false });
  assert.ok(credited <= 800_000 && credited > 800_000 - STREAM_WINDOW_BYTES, `${credited}`);
});

Deno.test("content behind the end of a request is refused and reaches nobody", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1), data(1, 3));
  assert.equal(codeOf(await socket.sent(), RST_STREAM), ErrorCode.STREAM_CLOSED);
  assert.deepEqual(requests[0]?.told, { data: 0, isEnded: true, isClosed: true });
});

Deno.test("a window for streams to come is never larger than it may be", async () => {
  const { socket, receive } = connect();
  receive(setting(4, 2 ** 31));
  assert.equal(codeOf(await socket.sent(), GOAWAY), ErrorCode.FLOW_CONTROL_ERROR);
});

Deno.test("requests beyond the limit are refused, and those that were reset count until their work has ended", async () => {
  const { socket, connection, requests, receive } = connect({ streamsMax: 2 });
  receive(request(1), request(3), request(5));
  assert.equal(requests.length, 2);
  let frames = await socket.sent();
  assert.equal(codeOf(frames, RST_STREAM), ErrorCode.REFUSED_STREAM);
  connection.beginWork();
  connection.beginWork();
  receive(...[1, 3].map((id) => frame(RST_STREAM, 0, id, words(ErrorCode.CANCEL))), request(7));
  assert.deepEqual(requests.map(({ told }) => told.isClosed), [true, true]);
  frames = await socket.sent();
  assert.equal(codeOf(frames, RST_STREAM), ErrorCode.REFUSED_STREAM);
  connection.endWork();
  receive(request(9));
  assert.equal(requests.length, 3);
});

Deno.test("headers may come in parts; without an end they end the connection, and too many of them the request", async () => {
  const { socket, requests, receive } = connect();
  await socket.sent();
  const bytes = block(REQUEST);
  receive(
    frame(HEAD, Flag.END_STREAM, 1, bytes.subarray(0, 5)),
    frame(FrameType.CONTINUATION, 0, 1, bytes.subarray(5, 9)),
    frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, bytes.subarray(9)),
  );
  assert.deepEqual([requests.length, requests[0]?.told.isEnded], [1, true]);
  const long = block([...REQUEST, ["x", "y".repeat(16_000)]]);
  receive(frame(HEAD, Flag.END_HEADERS | Flag.END_STREAM, 3, long));
  assert.equal(requests.length, 2);
  const longer = block([...REQUEST, ["x", "y".repeat(16_300)]]);
  receive(frame(HEAD, Flag.END_HEADERS | Flag.END_STREAM, 5, longer));
  const [answer] = await socket.sent();
  assert.deepEqual(new HeaderDecoder().decode(answer?.payload ?? PREFACE, 100).headers, [[":status", "431"]]);
  assert.equal(requests.length, 2);
  receive(frame(HEAD, 0, 7, bytes));
  for (let part = 0; part < 8_000 && !socket.isEnded; part++) {
    receive(frame(FrameType.CONTINUATION, 0, 7, Buffer.alloc(0)));
  }
  assert.equal(codeOf(await socket.sent(), GOAWAY), ErrorCode.ENHANCE_YOUR_CALM);
});

Deno.test("a malformed request ends its stream only: pseudo headers, content of another length, trailers in the middle", async () => {
  const { socket, requests, receive } = connect();
  const of = (streamId: number, headers: readonly Header[], flags: number = Flag.END_STREAM) =>
    frame(HEAD, Flag.END_HEADERS | flags, streamId, block(headers));
  receive(of(1, REQUEST.slice(1)));
  receive(of(3, [...REQUEST, ["content-length", "3"]], Flag.NONE), data(3, 2, Flag.END_STREAM));
  receive(request(5, Flag.NONE), of(5, [["x", "y"]], Flag.NONE));
  receive(request(7, Flag.NONE), of(7, [[":path", "/"]]));
  receive(of(9, [["x", "y"]])); // trailers of nothing
  const frames = await socket.sent();
  assert.deepEqual(ofType(frames, RST_STREAM).map(({ streamId }) => streamId), [1, 3, 5, 7, 9]);
  assert.equal(codeOf(frames, RST_STREAM), ErrorCode.PROTOCOL_ERROR);
  receive(request(11, Flag.NONE), of(11, [["x", "y"]]));
  assert.equal(requests.at(-1)?.told.isEnded, true, "trailers end a request");
});

Deno.test("a fault of the whole connection ends it with its code, and everybody on it learns of that", async () => {
  const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, COMPRESSION_ERROR } = ErrorCode;
  const faults: [string, number, Buffer[]][] = [
    ["data on no stream", PROTOCOL_ERROR, [data(0, 1)]],
    ["data on a stream that never was", PROTOCOL_ERROR, [data(3, 1)]],
    ["a request of a server", PROTOCOL_ERROR, [request(2)]],
    ["a request on an old stream", STREAM_CLOSED, [frame(RST_STREAM, 0, 1, words(8)), request(1)]],
    ["headers that cannot be read", COMPRESSION_ERROR, [frame(HEAD, Flag.END_HEADERS, 3, Buffer.of(0x80))]],
    ["another frame between headers", PROTOCOL_ERROR, [frame(HEAD, 0, 3, block(REQUEST)), data(1, 1)]],
    ["a continuation of nothing", PROTOCOL_ERROR, [frame(FrameType.CONTINUATION, 4, 3, block(REQUEST))]],
    ["a continuation of another", PROTOCOL_ERROR, [
      frame(HEAD, 0, 3, block([])),
      frame(FrameType.CONTINUATION, 4, 5, block([])),
    ]],
    ["a reset of no stream", PROTOCOL_ERROR, [frame(RST_STREAM, 0, 0, words(8))]],
    ["a reset that is too short", FRAME_SIZE_ERROR, [frame(RST_STREAM, 0, 1, Buffer.alloc(3))]],
    ["a ping of a stream", PROTOCOL_ERROR, [frame(PING, 0, 1, Buffer.alloc(8))]],
    ["a ping that is too long", FRAME_SIZE_ERROR, [frame(PING, 0, 0, Buffer.alloc(9))]],
    ["settings of a stream", PROTOCOL_ERROR, [frame(FrameType.SETTINGS, 0, 1, Buffer.alloc(0))]],
    ["settings that are cut off", FRAME_SIZE_ERROR, [frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5))]],
    ["an acknowledgement with content", FRAME_SIZE_ERROR, [frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(6))]],
    ["push neither on nor off", PROTOCOL_ERROR, [setting(2, 2)]],
    ["a window that is too large", FLOW_CONTROL_ERROR, [setting(4, 2 ** 31)]],
    ["a window that becomes too large", FLOW_CONTROL_ERROR, [window(1, 2 ** 30), setting(4, 2 ** 31 - 1)]],
    ["frames that are too short", PROTOCOL_ERROR, [setting(5, FRAME_BYTES_MAX - 1)]],
    ["frames that are too long", PROTOCOL_ERROR, [setting(5, 2 ** 24)]],
    ["a window of nothing", PROTOCOL_ERROR, [window(0, 0)]],
    ["the window of all becomes too large", FLOW_CONTROL_ERROR, [window(0, 2 ** 31 - 1)]],
    ["a push", PROTOCOL_ERROR, [frame(FrameType.PUSH_PROMISE, 4, 1, Buffer.alloc(4))]],
    ["a priority of nothing", PROTOCOL_ERROR, [frame(FrameType.PRIORITY, 0, 0, Buffer.alloc(5))]],
    ["a priority that is too short", FRAME_SIZE_ERROR, [frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(4))]],
    ["a farewell to a stream", PROTOCOL_ERROR, [frame(GOAWAY, 0, 1, words(0, 0))]],
  ];
  for (const [what, code, frames] of faults) {
    const { socket, requests, receive } = connect();
    receive(request(1, Flag.NONE));
    receive(...frames);
    assert.equal(codeOf(await socket.sent(), GOAWAY), code, what);
    assert.deepEqual([socket.isEnded, requests[0]?.told.isClosed], [true, true], what);
  }
});

Deno.test("windows of a stream that are no windows end that stream only", async () => {
  for (const [bytes, code] of [[0, ErrorCode.PROTOCOL_ERROR], [2 ** 31 - 1, ErrorCode.FLOW_CONTROL_ERROR]] as const) {
    const { socket, receive } = connect();
    receive(request(1), window(1, bytes));
    const frames = await socket.sent();
    assert.deepEqual([codeOf(frames, RST_STREAM), ofType(frames, GOAWAY).length], [code, 0]);
  }
});

Deno.test("whoever speaks something else is sent away at the first wrong letter, and so is one without settings", async () => {
  for (const said of [Buffer.from("GET / HTTP/1.1\r\n"), Buffer.from("X"), Buffer.concat([PREFACE, request(1)])]) {
    const { socket, receive, requests } = connect({ isGreeted: false });
    receive(said);
    assert.equal(codeOf(await socket.sent(), GOAWAY), ErrorCode.PROTOCOL_ERROR);
    assert.deepEqual([socket.isEnded, requests.length], [true, 0]);
  }
  const { socket, receive, requests } = connect({ isGreeted: false });
  for (const byte of Buffer.concat([PREFACE, SETTINGS, request(1)])) receive(Buffer.of(byte));
  assert.deepEqual([socket.isEnded, requests.length], [false, 1], "byte by byte it is understood as well");
});

Deno.test("a ping is answered with its own content, and what nobody knows is ignored", async () => {
  const { socket, receive } = connect();
  await socket.sent();
  receive(frame(99, 0xff, 77, Buffer.from("?")), frame(PING, 0, 0, Buffer.from("12345678")));
  const [answer, ...others] = await socket.sent();
  assert.deepEqual([answer?.type, answer?.flags, answer?.payload.toString()], [PING, Flag.ACK, "12345678"]);
  assert.deepEqual(others, []);
  receive(frame(PING, Flag.ACK, 0, Buffer.from("12345678")));
  assert.deepEqual(await socket.sent(), [], "an answer is not answered");
});

Deno.test("a connection that drains takes what is under way, names the last request, answers it, and ends", async () => {
  const { socket, connection, requests, receive } = connect();
  receive(request(1));
  await socket.sent();
  connection.drain();
  const [farewell, ping] = await socket.sent();
  assert.deepEqual([farewell?.payload.readUInt32BE(), ping?.type], [2 ** 31 - 1, PING]);
  receive(request(3));
  assert.equal(requests.length, 2, "it was on its way");
  receive(frame(PING, Flag.ACK, 0, Buffer.from("otherone")));
  assert.deepEqual(await socket.sent(), []);
  receive(frame(PING, Flag.ACK, 0, ping?.payload ?? PREFACE), request(5, Flag.NONE), data(5, 1));
  const [last] = await socket.sent();
  assert.deepEqual([last?.type, last?.payload.readUInt32BE(), requests.length], [GOAWAY, 3, 2]);
  requests[0]?.finish(TRAILERS);
  await socket.sent();
  assert.deepEqual([connection.isDrained, connection.hasRequests, socket.isEnded], [false, true, false]);
  requests[1]?.finish(TRAILERS);
  assert.equal(ofType(await socket.sent(), HEAD).length, 1);
  await socket.sent();
  assert.deepEqual([connection.isDrained, connection.hasRequests, socket.isEnded], [true, false, true]);
});

Deno.test("a caller who says farewell gets his answers, and then the connection ends", async () => {
  const { socket, requests, receive } = connect();
  receive(request(1), frame(GOAWAY, 0, 0, words(0, 0)));
  await socket.sent();
  assert.equal(socket.isEnded, false);
  requests[0]?.finish(TRAILERS);
  await socket.sent();
  await socket.sent();
  assert.equal(socket.isEnded, true);
  receive(frame(PING, 0, 0, Buffer.alloc(8)));
  assert.deepEqual(await socket.sent(), [], "a socket that has ended must not be written to");
});

Deno.test("whoever says nothing is asked, but not before he has said anything; what he takes counts too", async () => {
  const { socket, connection, receive } = connect({ isGreeted: false });
  await socket.sent();
  assert.deepEqual([connection.takeHeard(), connection.takeHeard()], [true, false]);
  connection.ping();
  assert.deepEqual(await socket.sent(), []);
  receive(PREFACE, SETTINGS);
  await socket.sent();
  assert.deepEqual([connection.takeHeard(), connection.takeHeard()], [true, false]);
  connection.ping();
  assert.equal((await socket.sent())[0]?.type, PING);
  socket.drain();
  assert.equal(connection.takeHeard(), true);
});

Deno.test("a connection that breaks ends what runs on it, and nothing is written any more", async () => {
  const { socket, connection, requests, receive } = connect();
  receive(request(1));
  await socket.sent();
  socket.emit("close");
  assert.deepEqual([requests[0]?.told.isClosed, connection.isDrained], [true, true]);
  requests[0]?.write(Buffer.from("late"));
  requests[0]?.finish(TRAILERS);
  receive(request(3));
  assert.deepEqual([await socket.sent(), requests.length], [[], 1]);
});
