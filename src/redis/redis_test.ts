import assert from "node:assert/strict";
import { orAbort } from "../runtime/or_abort.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { MemoryMetrics } from "../testing/memory_metrics.ts";
import { settle, VirtualClock } from "../testing/virtual_clock.ts";
import type { RedisClient, RedisReply } from "./client.ts";
import { RedisLink } from "./redis.ts";

const PLACE = "redis:6379/0";

/** Servers that answer as a test says; each connection is a client of its own. */
function stage() {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const metrics = new MemoryMetrics();
  const clients: { onError: (error: Error) => void; isDestroyed: boolean }[] = [];
  const renewed = { say: () => {}, isAwaited: true };
  const server = {
    connect: () => Promise.resolve(),
    /** What the client of this number is answered. */
    reply: (_args: readonly string[], _client: number): Promise<RedisReply> => Promise.resolve("PONG"),
    destroy: () => Promise.resolve(),
  };
  const link = new RedisLink(
    PLACE,
    (onError) => {
      const made = { onError, isDestroyed: false };
      clients.push(made);
      const client: RedisClient = {
        connect: () => server.connect(),
        send: (_key, args) => server.reply(args, clients.indexOf(made)),
        destroy: () => {
          made.isDestroyed = true;
          return server.destroy();
        },
      };
      return Promise.resolve(client);
    },
    { clock, log, metrics, without: "others do it" },
    {
      onChange(listener) {
        renewed.say = () => listener({ caCert: "", cert: undefined, key: undefined });
        return { [Symbol.dispose]: () => void (renewed.isAwaited = false) };
      },
    },
  );
  const said = () => log.lines.map(({ level, message }) => `${level} ${message}`);
  return { clock, log, metrics, clients, renewed, server, link, said };
}

Deno.test("a connection that breaks is replaced within a second, and both changes are said once", async () => {
  const { clock, log, metrics, clients, link, said } = stage();
  await using _link = link;
  await settle();
  assert.equal(await link.send("a", ["GET", "a"]), "PONG");
  assert.equal(metrics.value("damselfly_redis_up", { place: PLACE }), 1);
  clients[0]?.onError(new Error("the socket was closed"));
  await settle();
  await assert.rejects(link.send("a", ["GET", "a"]), { code: "unavailable" });
  assert.equal(metrics.value("damselfly_redis_up", { place: PLACE }), 0);
  await clock.advance(1_000);
  assert.equal(await link.send("a", ["GET", "a"]), "PONG");
  assert.deepEqual(clients.map(({ isDestroyed }) => isDestroyed), [true, false]);
  assert.deepEqual(said(), [
    "info Redis can be used",
    "warn Redis cannot be used, check database.redis: others do it",
    "info Redis can be used",
  ]);
  assert.match(String(log.lines[1]?.fields["error"]), /the socket was closed/);
});

Deno.test("a server that accepts and is silent is noticed within seven seconds, and tried less and less often", async () => {
  const { clock, clients, server, link, said } = stage();
  await using _link = link;
  await settle();
  server.reply = () => new Promise(() => {});
  await clock.advance(7_000);
  await assert.rejects(link.send("a", ["GET", "a"]), { code: "unavailable", message: /no connection/ });
  await clock.advance(60_000);
  // An attempt takes two seconds, and is followed by a pause of 1, 2, 4, 8, 8 … seconds.
  assert.equal(clients.length, 1 + 7);
  assert.deepEqual(said(), ["info Redis can be used", "warn Redis cannot be used, check database.redis: others do it"]);
});

Deno.test("after a time in which it worked a connection is made anew at once, however long it was away before", async () => {
  const { clock, clients, server, link } = stage();
  await using _link = link;
  server.connect = () => Promise.reject(new Error("connect ECONNREFUSED"));
  await clock.advance(60_000);
  server.connect = () => Promise.resolve();
  await clock.advance(8_000);
  assert.equal(await link.send("a", ["GET", "a"]), "PONG");
  const { length } = clients;
  clients.at(-1)?.onError(new Error("the socket was closed"));
  await clock.advance(1_000);
  assert.equal(clients.length, length + 1);
});

Deno.test("renewed certificates are used within five seconds, by a connection that takes over before the other ends", async () => {
  const { clock, clients, renewed, server, link, said } = stage();
  {
    await using _link = link;
    await settle();
    const left = () => clients.map(({ isDestroyed }) => isDestroyed);
    await clock.advance(5_000);
    assert.deepEqual(left(), [false], "nothing was renewed");
    renewed.say();
    let connect = () => {};
    server.connect = () => new Promise((resolve) => connect = resolve);
    await clock.advance(5_000);
    assert.deepEqual(left(), [false, false]);
    assert.equal(await link.send("a", ["GET", "a"]), "PONG", "the one before works on");
    connect();
    await settle();
    clients[0]?.onError(new Error("it was of the one before"));
    assert.equal(await link.send("a", ["GET", "a"]), "PONG");
    assert.deepEqual(left(), [false, false], "what is under way on it has its time");
    await clock.advance(5_000);
    assert.deepEqual(left(), [true, false]);
    assert.deepEqual(said(), ["info Redis can be used"]);
  }
  assert.equal(renewed.isAwaited, false);
});

Deno.test("renewed certificates that Redis refuses leave the connection that works, until it takes some", async () => {
  const { clock, clients, renewed, server, link, said, log } = stage();
  await using _link = link;
  await settle();
  const working = () => clients.flatMap(({ isDestroyed }, index) => isDestroyed ? [] : [index]);
  const told = "warn Redis does not take the renewed TLS files, see database.redis.tls: the connection before stays";
  renewed.say();
  server.connect = () => Promise.reject(new Error("the certificate is refused"));
  await clock.advance(5_000);
  assert.equal(await link.send("a", ["GET", "a"]), "PONG");
  server.connect = () => Promise.resolve();
  server.reply = (_args, client) => client === 0 ? Promise.resolve("1") : Promise.reject(new Error("NOAUTH"));
  await clock.advance(5_000);
  assert.equal(await link.send("a", ["GET", "a"]), "1");
  assert.deepEqual(
    [working(), said()],
    [[0], ["info Redis can be used", told]],
    "what is refused again is not said again",
  );
  assert.match(String(log.lines[1]?.fields["error"]), /the certificate is refused/);
  server.reply = () => Promise.resolve("2");
  await clock.advance(10_000);
  assert.deepEqual(working(), [clients.length - 1], "the one that Redis takes");
  renewed.say();
  server.connect = () => Promise.reject(new Error("refused again"));
  await clock.advance(5_000);
  assert.deepEqual(said().slice(1), [told, told], "of each renewal");
});

Deno.test("a renewal that comes while Redis refuses the one before is tried as well, and a refusal of it is said", async () => {
  const { clock, clients, renewed, server, link, said, log } = stage();
  await using _link = link;
  await settle();
  renewed.say();
  let refuse = () => {};
  server.connect = () => new Promise((_, reject) => refuse = () => reject(new Error("the first is refused")));
  await clock.advance(5_000);
  renewed.say();
  refuse();
  await settle();
  server.connect = () => Promise.reject(new Error("the second is refused"));
  await clock.advance(10_000);
  const errors = log.lines.flatMap(({ level, fields }) => level === "warn" ? [String(fields["error"])] : []);
  assert.deepEqual(errors, ["Error: the first is refused", "Error: the second is refused"], said().join("\n"));
  server.connect = () => Promise.resolve();
  await clock.advance(15_000);
  assert.deepEqual(clients.flatMap(({ isDestroyed }, index) => isDestroyed ? [] : [index]), [clients.length - 1]);
});

Deno.test("a connection that is never made is given up after three seconds", async () => {
  const { clock, clients, server, link } = stage();
  await using _link = link;
  server.connect = () => new Promise(() => {});
  await settle();
  await clock.advance(3_000);
  assert.deepEqual(clients.map(({ isDestroyed }) => isDestroyed), [true]);
});

Deno.test("a client that connects after it was given up is ended once more, for it may have opened something", async () => {
  const { clock, clients, server, link } = stage();
  await using _link = link;
  const late = Promise.withResolvers<void>();
  server.connect = () => late.promise;
  await clock.advance(3_000);
  const [client] = clients;
  assert(client !== undefined);
  client.isDestroyed = false;
  late.resolve();
  await settle();
  assert.equal(client.isDestroyed, true);
});

Deno.test("a command ends in its time, or when nobody wants it any more", async () => {
  const { clock, server, link } = stage();
  await using _link = link;
  await settle();
  let sent = 0;
  server.reply = ([name]) => {
    if (name === "PING") return Promise.resolve("PONG");
    sent += 1;
    return new Promise(() => {});
  };
  const late = link.send("a", ["GET", "a"], { timeoutMs: 500 });
  const unwanted = new AbortController();
  const cancelled = link.send("a", ["GET", "a"], { signal: unwanted.signal });
  unwanted.abort(new Error("not wanted"));
  await assert.rejects(cancelled, /not wanted/);
  await assert.rejects(link.send("a", ["GET", "a"], { signal: unwanted.signal }), /not wanted/);
  assert.equal(sent, 2, "what nobody wants is not sent");
  const [outcome] = await Promise.all([late.catch((error) => error), clock.advance(500)]);
  assert.deepEqual([outcome.code, outcome.message], [
    "unavailable",
    "Cannot use Redis at redis:6379/0: it did not answer within 500 ms",
  ]);
});

Deno.test("what Redis refuses is told apart from what did not reach it", async () => {
  const { server, link } = stage();
  await using _link = link;
  await settle();
  const failWith = (message: string) => {
    server.reply = () => Promise.reject(new Error(message));
    return link.send("a", ["LPUSH", "a", "b"]);
  };
  await assert.rejects(failWith("WRONGTYPE Operation against a key"), { code: "failed_precondition" });
  await assert.rejects(failWith("ERR unknown command"), { code: "failed_precondition" });
  await assert.rejects(failWith("Socket closed unexpectedly"), { code: "unavailable" });
  await assert.rejects(failWith("connect ECONNREFUSED 127.0.0.1:6379"), { code: "unavailable" });
});

Deno.test("disposing it ends a connection that is being made, and commands", async () => {
  const { server, link, clients } = stage();
  server.connect = () => orAbort(new Promise(() => {}), new AbortController().signal);
  await settle();
  await link[Symbol.asyncDispose]();
  assert.deepEqual(clients.map(({ isDestroyed }) => isDestroyed), [true]);
  await assert.rejects(link.send("a", ["GET", "a"]), { code: "unavailable" });
});

Deno.test("a client that never ends holds up neither the next connection nor the end of all", async () => {
  const { clock, server, link, clients } = stage();
  await settle();
  server.destroy = () => new Promise(() => {});
  clients[0]?.onError(new Error("the sentinel is silent"));
  await clock.advance(2_000);
  assert.equal(await link.send("a", ["GET", "a"]), "PONG");
  const ended = link[Symbol.asyncDispose]();
  await clock.advance(1_000);
  await ended;
  assert.equal(clients.length, 2);
});
