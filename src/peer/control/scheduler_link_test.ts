import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { RpcChannels } from "../../rpc/client.ts";
import { Host } from "../../rpc/gen/common/v2/common.ts";
import { HealthCheckResponse_ServingStatus as Status } from "../../rpc/gen/grpc/health/v1/health.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { SchedulerLink } from "./scheduler_link.ts";

/** A link to a scheduler that says it serves when its health is watched, and answers what `check` says when asked. */
function linkTo(check: () => Promise<unknown>) {
  const clock = new VirtualClock();
  const { random, log } = testRuntime();
  const watches: number[] = [];
  const remote = {
    announceHost: () => Promise.resolve({}),
    check,
    watch: async function* (_request: unknown, { signal }: { signal: AbortSignal }) {
      watches.push(clock.now());
      yield { status: Status.SERVING };
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const channels = { client: () => remote } as unknown as RpcChannels;
  const scheduler = { ip: "127.0.0.1", port: 1, clusterId: 1 };
  const host = () => Promise.resolve(Host.create());
  const parts = { clock, random, log, channels, announceIntervalMs: 300_000, host, onUp: () => Promise.resolve() };
  return { clock, watches, link: new SchedulerLink(scheduler, parts) };
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

Deno.test("a scheduler that fails again and again is tried less and less often, and often again once it was steady", async () => {
  const bench = linkTo(() => Promise.resolve({}));
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
