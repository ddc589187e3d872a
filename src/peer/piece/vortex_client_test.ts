import assert from "node:assert/strict";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import type { Conn, Listener, Net } from "../../runtime/net.ts";
import { realClock } from "../../runtime/clock.ts";
import { realNet } from "../../runtime/real_net.ts";
import { MemoryNet } from "../../testing/memory_net.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { encodeContent, encodeError, VORTEX_HEADER_BYTES, type VortexContent } from "./vortex.ts";
import { createPieceClient, PIECE_CLIENT_LIMITS, type PieceSink } from "./vortex_client.ts";

const never = new AbortController().signal;
const TASK_ID = "ab".repeat(32);
const WANTED = { taskId: TASK_ID, number: 3, offset: 300, length: 100 };
const REQUEST_BYTES = VORTEX_HEADER_BYTES + 68;
const CONTENT = Uint8Array.from({ length: 100 }, (_, index) => index);

function contentHead(changes: Partial<VortexContent> = {}): Uint8Array {
  return encodeContent({
    pieceNumber: 3,
    offset: 300,
    length: 100,
    digest: "crc32:77",
    parentId: "",
    trafficType: 1,
    costSeconds: 0,
    createdAtSeconds: 0,
    ...changes,
  });
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function sinkTo(parts: Uint8Array[]): PieceSink {
  return { write: (bytes) => Promise.resolve(void parts.push(bytes.slice())) };
}

/** Reads one request. False at the end of the stream. */
async function readRequest(conn: Conn): Promise<boolean> {
  const buffer = new Uint8Array(REQUEST_BYTES);
  for (let filled = 0; filled < REQUEST_BYTES;) {
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) return false;
    filled += count;
  }
  return true;
}

/** A parent that treats each connection as `behave` says. */
class Parent implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #done: Promise<unknown>;
  readonly #conns = new Set<Conn>();
  connections = 0;

  constructor(net: Net, behave: (conn: Conn, connection: number) => Promise<void>) {
    const listener = net.listen({ hostname: "127.0.0.1", port: 0 });
    this.#listener = listener;
    this.#done = (async () => {
      const running: Promise<void>[] = [];
      for await (const conn of listener) {
        this.#conns.add(conn);
        running.push(behave(conn, ++this.connections).catch(() => conn.close()));
      }
      await Promise.all(running);
    })();
  }

  get address() {
    return { hostname: this.#listener.hostname, port: this.#listener.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    for (const conn of this.#conns) conn.close();
    await this.#done;
  }
}

function onEachNet(title: string, run: (net: Net) => Promise<void>): void {
  Deno.test(`${title} (memory)`, () => run(new MemoryNet()));
  Deno.test(`${title} (loopback)`, () => run(realNet()));
}

onEachNet("pieces come over one connection when the parent leaves it open", async (net) => {
  await using parent = new Parent(net, async (conn) => {
    while (await readRequest(conn)) await conn.write(joined(contentHead(), CONTENT));
  });
  await using client = createPieceClient({ net, clock: realClock() });
  for (let turn = 0; turn < 5; turn++) {
    const parts: Uint8Array[] = [];
    assert.deepEqual(await client.fetchPiece(parent.address, WANTED, sinkTo(parts), never), { digest: "crc32:77" });
    assert.deepEqual(joined(...parts), CONTENT);
  }
  assert.equal(parent.connections, 1);
});

onEachNet("a stock parent, which closes after a piece, gets a connection per piece and no failure", async (net) => {
  await using parent = new Parent(net, async (conn) => {
    await readRequest(conn);
    await conn.write(joined(contentHead(), CONTENT));
    conn.close();
  });
  await using client = createPieceClient({ net, clock: realClock() });
  for (let turn = 0; turn < 5; turn++) await client.fetchPiece(parent.address, WANTED, sinkTo([]), never);
  assert.equal(parent.connections, 5);
});

onEachNet("a kept connection that turns out to be dead is replaced once", async (net) => {
  await using parent = new Parent(net, async (conn, connection) => {
    await readRequest(conn);
    await conn.write(joined(contentHead(), CONTENT));
    if (connection > 1) return void await readRequest(conn);
    await readRequest(conn);
    conn.close();
  });
  await using client = createPieceClient({ net, clock: realClock() });
  await client.fetchPiece(parent.address, WANTED, sinkTo([]), never);
  const parts: Uint8Array[] = [];
  await client.fetchPiece(parent.address, WANTED, sinkTo(parts), never);
  assert.deepEqual(joined(...parts), CONTENT);
  assert.equal(parent.connections, 2);
});

const LIES: readonly [string, Uint8Array, ErrorCode][] = [
  ["says it does not have the piece", encodeError("not_found", "not here"), "not_found"],
  ["says it is ill", encodeError("internal", "ill"), "unavailable"],
  ["sends another piece", joined(contentHead({ pieceNumber: 4 }), CONTENT), "data_loss"],
  ["sends another offset", joined(contentHead({ offset: 0 }), CONTENT), "data_loss"],
  ["sends another length", joined(contentHead({ length: 2 ** 40 }), CONTENT), "data_loss"],
  ["closes within the packet", contentHead().subarray(0, 20), "unavailable"],
  ["closes within the piece", joined(contentHead(), CONTENT.subarray(0, 99)), "unavailable"],
  ["closes at once", new Uint8Array(), "unavailable"],
  ["speaks HTTP", new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"), "data_loss"],
  ["announces endless metadata", new Uint8Array([0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0]), "data_loss"],
  ["sends malformed metadata", joined(new Uint8Array([0, 1, 0, 0, 0, 8]), new Uint8Array(8)), "data_loss"],
];

for (const [does, answer, code] of LIES) {
  onEachNet(`a parent that ${does} is an error of code ${code}`, async (net) => {
    await using parent = new Parent(net, async (conn) => {
      await readRequest(conn);
      await conn.write(answer);
      conn.close();
    });
    await using client = createPieceClient({ net, clock: realClock() });
    await assert.rejects(client.fetchPiece(parent.address, WANTED, sinkTo([]), never), (error) => {
      assert(error instanceof DamselflyError, String(error));
      assert.equal(error.code, code);
      return true;
    });
  });
}

onEachNet("a parent that sends more than a piece loses its connection, not its piece", async (net) => {
  await using parent = new Parent(net, async (conn) => {
    while (await readRequest(conn)) await conn.write(joined(contentHead(), CONTENT, CONTENT));
  });
  await using client = createPieceClient({ net, clock: realClock() });
  for (let turn = 0; turn < 2; turn++) await client.fetchPiece(parent.address, WANTED, sinkTo([]), never);
  assert.equal(parent.connections, 2);
});

onEachNet("nobody listening is unavailable", async (net) => {
  const listener = net.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { hostname: listener.hostname, port: listener.port };
  listener[Symbol.dispose]();
  await using client = createPieceClient({ net, clock: realClock() });
  const isUnavailable = (error: unknown) => error instanceof DamselflyError && error.code === "unavailable";
  await assert.rejects(client.fetchPiece(address, WANTED, sinkTo([]), never), isUnavailable);
});

const isTimeout = (error: unknown) => error instanceof DamselflyError && error.code === "timeout";

for (const [when, answer] of [["before", new Uint8Array()], ["within", contentHead()]] as const) {
  Deno.test(`a parent that falls silent ${when} the piece is a timeout`, async () => {
    const [net, clock] = [new MemoryNet(), new VirtualClock()];
    await using parent = new Parent(net, async (conn) => {
      await readRequest(conn);
      await conn.write(answer);
      await readRequest(conn);
    });
    await using client = createPieceClient({ net, clock });
    const fetched = assert.rejects(client.fetchPiece(parent.address, WANTED, sinkTo([]), never), isTimeout);
    await clock.advance(PIECE_CLIENT_LIMITS.progressTimeoutMs * 2);
    await fetched;
  });
}

Deno.test("a slow disk is not held against the parent", async () => {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  await using parent = new Parent(net, async (conn) => {
    while (await readRequest(conn)) await conn.write(joined(contentHead(), CONTENT));
  });
  await using client = createPieceClient({ net, clock });
  const written = Promise.withResolvers<void>();
  const fetched = client.fetchPiece(parent.address, WANTED, { write: () => written.promise }, never);
  await clock.advance(PIECE_CLIENT_LIMITS.progressTimeoutMs * 10);
  written.resolve();
  await fetched;
});

Deno.test("a connection that does not come up is a timeout", async () => {
  const clock = new VirtualClock();
  const net: Net = {
    listen: () => assert.fail("nobody listens"),
    secure: () => assert.fail("nobody speaks TLS"),
    resolve: () => assert.fail("no name is asked for"),
    connect: (_to, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  };
  await using client = createPieceClient({ net, clock });
  const fetched = assert.rejects(
    client.fetchPiece({ hostname: "10.0.0.1", port: 4005 }, WANTED, sinkTo([]), never),
    isTimeout,
  );
  await clock.advance(PIECE_CLIENT_LIMITS.connectTimeoutMs);
  await fetched;
});

Deno.test("an aborted fetch ends at once with the signal's reason", async () => {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  await using parent = new Parent(net, async (conn) => void await readRequest(conn));
  await using client = createPieceClient({ net, clock });
  const stop = new AbortController();
  const fetched = client.fetchPiece(parent.address, WANTED, sinkTo([]), stop.signal);
  await settle();
  const reason = new DamselflyError("cancelled", "enough");
  stop.abort(reason);
  await assert.rejects(fetched, (error) => error === reason);
});

Deno.test("a failing sink fails the fetch with its own error", async () => {
  const net = new MemoryNet();
  await using parent = new Parent(net, async (conn) => {
    while (await readRequest(conn)) await conn.write(joined(contentHead(), CONTENT));
  });
  await using client = createPieceClient({ net, clock: realClock() });
  const full = new DamselflyError("no_space", "full");
  await assert.rejects(
    client.fetchPiece(parent.address, WANTED, { write: () => Promise.reject(full) }, never),
    (error) => error === full,
  );
});

Deno.test("no more than the limit of pieces is fetched at a time, and unused connections go after their time", async () => {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  let [running, peak] = [0, 0];
  const closed: number[] = [];
  await using parent = new Parent(net, async (conn, connection) => {
    while (await readRequest(conn)) {
      peak = Math.max(peak, ++running);
      await settle();
      running -= 1;
      await conn.write(joined(contentHead(), CONTENT));
    }
    closed.push(connection);
  });
  await using client = createPieceClient({ net, clock }, { fetchesMax: 3, idlePerParentMax: 2 });
  await Promise.all(Array.from({ length: 12 }, () => client.fetchPiece(parent.address, WANTED, sinkTo([]), never)));
  assert.equal(peak, 3);
  assert.equal(parent.connections - closed.length, 2);
  await clock.advance(PIECE_CLIENT_LIMITS.idleMs * 2);
  assert.equal(parent.connections - closed.length, 0);
});
