import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { MemoryNet } from "../testing/memory_net.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { realClock } from "./clock.ts";
import type { Endpoint, Net } from "./net.ts";
import { whenFree } from "./port_wait.ts";
import { realNet } from "./real_net.ts";

const WHERE = { hostname: "10.0.0.1", port: 4005 };
const taken = () => new DamselflyError("already_exists", "Cannot listen on it: another program listens there");

function parts(net: Net = new MemoryNet()) {
  return { clock: new VirtualClock(), log: new MemoryLog(), net, localIps: () => ["10.0.0.1", "10.0.0.2"] };
}

/** Opens at an address that is taken until the clock shows `freeAtMs`, and counts the tries. */
function openingFrom(freeAtMs: number, clock: VirtualClock) {
  const opening = {
    tries: 0,
    open() {
      opening.tries++;
      if (clock.now() < freeAtMs) throw taken();
      return "opened";
    },
  };
  return opening;
}

Deno.test("a port that is free is had at once, without a word", async () => {
  const { clock, log, ...rest } = parts();
  assert.equal(await whenFree({ clock, log, ...rest })(WHERE, openingFrom(0, clock).open), "opened");
  assert.deepEqual([log.lines, clock.pendingTimers], [[], 0]);
});

Deno.test("a port that is taken and where nobody answers is waited for, which the log tells at once and at the end", async () => {
  const { clock, log, ...rest } = parts();
  const opening = openingFrom(60_000, clock);
  const opened = whenFree({ clock, log, ...rest })(WHERE, opening.open);
  await clock.advance(0);
  assert.deepEqual(log.lines.map(({ level, fields }) => ({ level, ...fields })), [
    { level: "warn", ...WHERE, waitMs: 90_000 },
  ]);
  await clock.advance(60_000);
  assert.equal(await opened, "opened");
  assert.deepEqual(log.lines.slice(1).map(({ fields }) => fields), [{ ...WHERE, waitedMs: 60_000 }]);
  assert.equal(opening.tries, 61);
});

Deno.test("a port that does not become free is given up after 90 s, in other words than one with a program", async () => {
  const { clock, ...rest } = parts();
  const failed = assert.rejects(whenFree({ clock, ...rest })(WHERE, openingFrom(Infinity, clock).open), {
    code: "already_exists",
    message: /10\.0\.0\.1:4005: the port was not free within 90 s although nobody answers there/,
  });
  await clock.advance(91_000);
  await failed;
});

Deno.test("a port at which a program listens fails at once, on whatever address of the machine it does", async () => {
  const cases: [Endpoint, Endpoint][] = [
    [WHERE, WHERE],
    [{ hostname: "0.0.0.0", port: 4005 }, { hostname: "10.0.0.2", port: 4005 }],
    [{ hostname: "::", port: 4005 }, { hostname: "127.0.0.1", port: 4005 }],
  ];
  for (const [wanted, held] of cases) {
    const net = new MemoryNet();
    using _listener = net.listen(held);
    const { clock, log, ...rest } = parts(net);
    await assert.rejects(whenFree({ clock, log, ...rest })(wanted, openingFrom(Infinity, clock).open), {
      message: /another program listens there/,
    });
    assert.deepEqual(log.lines, []);
  }
});

Deno.test("a program that listens and does not accept is one all the same", async () => {
  const connect = (_to: Endpoint, signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { clock, ...rest } = parts(Object.assign(new MemoryNet(), { connect }));
  const failed = assert.rejects(whenFree({ clock, ...rest })(WHERE, openingFrom(Infinity, clock).open), taken());
  await clock.advance(1_000);
  await failed;
});

Deno.test("another failure than a taken port is not waited out", async () => {
  const error = new DamselflyError("unavailable", "Cannot listen: this machine does not have the address");
  await assert.rejects(whenFree(parts())(WHERE, () => Promise.reject(error)), error);
});

Deno.test("a start that is given up waits no longer", async () => {
  const { clock, ...rest } = parts();
  const stop = new AbortController();
  const opened = whenFree({ clock, ...rest }, stop.signal)(WHERE, openingFrom(Infinity, clock).open);
  await clock.advance(5_000);
  const reason = new DamselflyError("cancelled", "Stopped");
  stop.abort(reason);
  await assert.rejects(opened, reason);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("on a real machine, connections of a program that has ended hold a port, and nobody answers there", async () => {
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ended = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  using accepted = await server.accept();
  ended.close();
  assert.equal(await accepted.read(new Uint8Array(1)), null);
  accepted.close();
  const held = { hostname: "127.0.0.1", port: ended.localAddr.port };
  const stop = new AbortController();
  const log = new MemoryLog();
  const effects = { clock: realClock(), net: realNet(), localIps: () => [], log };
  let tries = 0;
  const opened = whenFree(effects, stop.signal)(held, () => {
    if (++tries === 2) stop.abort(new DamselflyError("cancelled", "Stopped"));
    return realNet().listen(held);
  });
  await assert.rejects(opened, { code: "cancelled" });
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn"]);
});
