import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { RpcChannels } from "../../rpc/client.ts";
import { Host } from "../../rpc/gen/common/v2/common.ts";
import { HealthCheckResponse_ServingStatus as Status } from "../../rpc/gen/grpc/health/v1/health.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { SchedulerLink } from "./scheduler_link.ts";

const NEVER = new AbortController().signal;

/**
 * A link to a scheduler that says it serves when its health is watched, unless it is gone or hangs, and answers what
 * `check` says when asked.
 */
function linkTo(check: () => Promise<unknown> = () => Promise.resolve({}), ofMake = () => Promise.resolve({})) {
  const clock = new VirtualClock();
  const { random, log } = testRuntime();
  const watches: number[] = [];
  const is = { gone: false, hanging: false };
  const remote = {
    announceHost: () => Promise.resolve({}),
    check: ({ service }: { service: string }) => service === "" ? check() : ofMake(),
    watch: async function* (_request: unknown, { signal }: { signal: AbortSignal }) {
      watches.push(clock.now());
      if (is.gone) throw new DamselflyError("unavailable", "Nobody listens");
      if (is.hanging) {
        await clock.sleep(3_000, signal);
        throw new DamselflyError("unavailable", "No connection in time");
      }
      yield { status: Status.SERVING };
      signal.throwIfAborted();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const channels = { client: () => remote, close: () => {} } as unknown as RpcChannels;
  const scheduler = { ip: "127.0.0.1", port: 1, clusterId: 1 };
  const host = () => Promise.resolve(Host.create());
  const parts = { clock, random, log, channels, announceIntervalMs: 300_000, host };
  return {
    clock,
    watches,
    is,
    link: new SchedulerLink(scheduler, { ...parts, onUp: () => Promise.resolve(), onDown() {} }),
  };
}

/** Until the scheduler is taken for dead. */
async function outage({ clock, link }: ReturnType<typeof linkTo>, ms: number): Promise<void> {
  await settle();
  link.markDown();
  await settle();
  await clock.advance(ms);
  assert.equal(link.isUsable, false);
}

async function lateDecision({ clock, link }: ReturnType<typeof linkTo>): Promise<void> {
  await settle();
  const askedAt = clock.now();
  await clock.advance(5_000);
  link.decisionIsLate(askedAt);
  assert.equal(link.isUsable, false);
  await settle();
}

Deno.test("a scheduler that is late and does not say that it lives is down until it is there again", async () => {
  const bench = linkTo(() => Promise.reject(new DamselflyError("timeout", "No answer")));
  await using link = bench.link;
  await lateDecision(bench);
  await link.look(NEVER);
  assert.equal(link.isUsable, false);
  await bench.clock.advance(500);
  assert.deepEqual([link.isUsable, bench.watches.length], [true, 2]);
});

Deno.test("a scheduler that is late and answers anything at all is trusted with other tasks", async () => {
  const refuse = () => Promise.reject(new DamselflyError("unimplemented", "What health?"));
  for (const answer of [() => Promise.resolve({}), refuse]) {
    const bench = linkTo(answer);
    await using link = bench.link;
    await lateDecision(bench);
    assert.deepEqual([link.isUsable, bench.watches.length], [true, 1]);
  }
});

Deno.test("whether a scheduler lives is asked once for all who doubt it, and says nothing of the next pull", async () => {
  const failures = { timeout: false, unavailable: false, unimplemented: true } as const;
  for (const [code, isAlive] of Object.entries(failures)) {
    let checks = 0;
    const bench = linkTo(() => {
      checks++;
      return Promise.reject(new DamselflyError(code as keyof typeof failures, "No health"));
    });
    await using link = bench.link;
    await settle();
    assert.deepEqual(await Promise.all([link.isAlive(), link.isAlive()]), [isAlive, isAlive]);
    assert.deepEqual([checks, link.isUsable], [1, true]);
  }
  const bench = linkTo();
  await using link = bench.link;
  assert.equal(await link.isAlive(), true);
});

Deno.test("a scheduler that fails again and again is tried less and less often, and often again once it was steady", async () => {
  const bench = linkTo();
  await using link = bench.link;
  await settle();
  for (let failures = 0; failures < 8; failures++) {
    link.markDown();
    await settle();
    while (!link.isUsable) await bench.clock.advance(50);
  }
  const pauses = bench.watches.slice(1).map((at, index) => at - (bench.watches[index] ?? 0));
  assert.ok(pauses.every((ms, index) => index < 1 || ms > 100 && ms <= 5_000), `${pauses}`);
  assert.ok((pauses.at(0) ?? 0) <= 500 && (pauses.at(-1) ?? 0) >= 2_500, `${pauses}`);
  await bench.clock.advance(5_000);
  link.markDown();
  await bench.clock.advance(500);
  assert.equal(link.isUsable, true);
});

Deno.test("a pull that comes in the pause after an attempt in vain finds a scheduler that has come back", async () => {
  const bench = linkTo();
  await using link = bench.link;
  bench.is.gone = true;
  await outage(bench, 60_000);
  bench.is.gone = false;
  const before = bench.clock.now();
  await link.look(NEVER);
  assert.deepEqual([link.isUsable, bench.clock.now()], [true, before]);
});

Deno.test("a pull right after one that found the scheduler dead asks it again", async () => {
  const bench = linkTo();
  await using link = bench.link;
  await settle();
  link.markDown();
  await link.look(NEVER);
  assert.deepEqual([link.isUsable, bench.watches], [true, [0, 0]]);
});

Deno.test("a scheduler that is gone costs pulls no time, and is asked ten times a second at most", async () => {
  const bench = linkTo();
  await using link = bench.link;
  bench.is.gone = true;
  await outage(bench, 60_000);
  const [startedAt, before] = [bench.clock.now(), bench.watches.length];
  for (let pull = 0; pull < 200; pull++) {
    await link.look(NEVER);
    await bench.clock.advance(10);
  }
  assert.equal(bench.clock.now() - startedAt, 2_000);
  assert.ok(bench.watches.length - before <= 20, `${bench.watches.length - before} attempts`);
});

Deno.test("a scheduler that hangs costs the pulls of two seconds two seconds at most, and later ones nothing", async () => {
  const bench = linkTo();
  await using link = bench.link;
  bench.is.hanging = true;
  await outage(bench, 0);
  const looks = [link.look(NEVER), link.look(NEVER)];
  await bench.clock.advance(2_000);
  await Promise.all(looks);
  for (let second = 0; second < 20; second++) {
    const before = bench.clock.now();
    await link.look(NEVER);
    assert.deepEqual([link.isUsable, bench.clock.now()], [false, before]);
    await bench.clock.advance(1_000);
  }
  bench.is.hanging = false;
  while (!link.isUsable) await bench.clock.advance(1_000);
  link.markDown();
  await link.look(NEVER);
  assert.equal(link.isUsable, true);
});

Deno.test("a pull that is given up waits for no scheduler", async () => {
  const bench = linkTo();
  await using link = bench.link;
  bench.is.hanging = true;
  await outage(bench, 0);
  const pull = new AbortController();
  const looking = link.look(pull.signal);
  pull.abort(new DamselflyError("cancelled", "The client has left"));
  await assert.rejects(looking, { code: "cancelled" });
});

Deno.test("a scheduler is taken for a stock one when it does not know our service, not when it fails to say", async () => {
  const makes = { not_found: true, unimplemented: true, timeout: false, unavailable: false } as const;
  for (const [code, isStock] of Object.entries(makes)) {
    const refuse = () => Promise.reject(new DamselflyError(code as keyof typeof makes, "No such service"));
    const bench = linkTo(undefined, refuse);
    await using link = bench.link;
    await settle();
    assert.deepEqual([link.isStock, link.isUsable], [isStock, true]);
  }
});
