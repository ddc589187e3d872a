import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import type { Conn, Endpoint } from "../runtime/net.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { dialAny } from "./dial.ts";

const NEVER = new AbortController().signal;

/** A net in which an address takes a connection after so many milliseconds, refuses it at once, or is silent. */
function netOf(clock: VirtualClock, answers: Readonly<Record<string, number | "refuses">>) {
  const tried: string[] = [];
  const closed: string[] = [];
  return {
    ...{ tried, closed },
    async connect({ hostname, port }: Endpoint, signal: AbortSignal): Promise<Conn> {
      tried.push(`${hostname}@${clock.now()}`);
      const answer = answers[hostname];
      if (answer === "refuses") throw new DamselflyError("unavailable", `${hostname} refuses`);
      await clock.sleep(answer ?? 1e9, signal);
      return { remote: { hostname, port }, close: () => void closed.push(hostname) } as Conn;
    },
  };
}

async function dial(answers: Readonly<Record<string, number | "refuses">>, addresses: string[], signal = NEVER) {
  const clock = new VirtualClock();
  const net = netOf(clock, answers);
  const dialed = dialAny({ addresses, port: 80 }, { net, clock }, signal).then(
    (conn) => `${conn.remote.hostname}@${clock.now()}`,
    (error) => `${error.code}@${clock.now()}: ${error.message}`,
  );
  await clock.advance(60_000);
  return { result: await dialed, ...net };
}

Deno.test("an address that is silent holds nobody up for longer than the next one needs", async () => {
  const { result, tried } = await dial({ "10.0.0.2": 20 }, ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(tried, ["10.0.0.1@0", "10.0.0.2@250"]);
  assert.equal(result, "10.0.0.2@270");
});

Deno.test("one that refuses is followed at once, and no more are tried than are needed", async () => {
  const { result, tried } = await dial({ "10.0.0.1": "refuses", "10.0.0.2": 20 }, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assert.deepEqual([result, ...tried], ["10.0.0.2@20", "10.0.0.1@0", "10.0.0.2@0"]);
});

Deno.test("a slow address wins if it is first, and both families are tried in turn", async () => {
  const addresses = ["2001:db8::1", "2001:db8::2", "10.0.0.1"];
  const slow = await dial({ "2001:db8::1": 600 }, addresses);
  assert.deepEqual([slow.result, ...slow.tried], [
    ...["2001:db8::1@600", "2001:db8::1@0", "10.0.0.1@250", "2001:db8::2@500"],
  ]);
});

Deno.test("of many addresses four are tried, for ten seconds in total", async () => {
  const silent = await dial({}, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
  assert.equal(silent.tried.length, 4);
  assert.match(silent.result, /^unavailable@10000: /);
  const refused = await dial({ "10.0.0.1": "refuses" }, ["10.0.0.1"]);
  assert.match(refused.result, /^unavailable@0: .*10\.0\.0\.1 refuses/);
});

Deno.test("who gives up gets his own reason, and a connection that comes too late is closed", async () => {
  const stop = new AbortController();
  const clock = new VirtualClock();
  const late = Promise.withResolvers<void>();
  const closed: string[] = [];
  const connect = async ({ hostname, port }: Endpoint) => {
    await late.promise;
    return { remote: { hostname, port }, close: () => void closed.push(hostname) } as Conn;
  };
  const dialed = dialAny({ addresses: ["10.0.0.1"], port: 80 }, { net: { connect }, clock }, stop.signal);
  stop.abort(new DamselflyError("cancelled", "Left"));
  late.resolve();
  await assert.rejects(dialed, { code: "cancelled" });
  assert.deepEqual(closed, ["10.0.0.1"]);
});
