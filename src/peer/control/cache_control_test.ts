import "../../rpc/http2_guard.ts";
import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import { createRpcClient } from "../../rpc/client.ts";
import { PersistentCachePeer, PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { service, startRpcServer } from "../../rpc/server.ts";
import { durationOfMs, timestampOfMs } from "../../rpc/time.ts";
import { realClock } from "../../runtime/clock.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { type CacheCopy, GrpcCacheControl } from "./cache_control.ts";
import type { SchedulerLink } from "./scheduler_link.ts";

const LOCAL = "127.0.0.1";
const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** A scheduler that knows what it is told beforehand, and the control of a host that has `copies`. */
async function openBench(copies: readonly CacheCopy[] = []) {
  const runtime = testRuntime();
  const said: string[] = [];
  const knows = { host: true, peers: new Set<string>(), tasks: new Map<string, { expiresAtMs: number }>() };
  const missing = () => new DamselflyError("not_found", "Nobody knows");
  const hear = <T>(what: string, answer: () => T) => {
    said.push(what);
    return Promise.try(answer);
  };
  const handlers = service(SchedulerService, {
    announceHost: () => hear("host", () => (knows.host = true, {})),
    statPersistentCachePeer: ({ taskId }) =>
      hear(`stat peer ${taskId}`, () => {
        if (!knows.peers.has(taskId)) throw missing();
        return PersistentCachePeer.create({});
      }),
    statPersistentCacheTask: ({ taskId }) =>
      hear(`stat task ${taskId}`, () => {
        const known = knows.tasks.get(taskId);
        if (known === undefined) throw missing();
        const times = { createdAt: timestampOfMs(known.expiresAtMs - HOUR_MS), ttl: durationOfMs(HOUR_MS) };
        return PersistentCacheTask.create({ id: taskId, ...times });
      }),
    uploadPersistentCacheTaskStarted: ({ taskId }) =>
      hear(`started ${taskId}`, () => {
        if (!knows.host) throw missing();
        if (knows.tasks.has(taskId)) throw new DamselflyError("already_exists", "It is there");
        return {};
      }),
    uploadPersistentCacheTaskFinished: ({ taskId }) =>
      hear(`finished ${taskId}`, () => PersistentCacheTask.create({ id: taskId })),
    announcePersistentCachePeer: async function* (requests) {
      for await (const { taskId, request } of requests) {
        said.push(`${request?.$case} ${taskId}`);
        if (request?.$case === "registerPersistentCachePeerRequest") {
          yield { response: { $case: "normalPersistentCacheTaskResponse", value: { candidateParents: [] } } };
        }
        if (request?.$case === "downloadPersistentCachePeerFinishedRequest") return;
      }
    },
  });
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await startRpcServer({ ...runtime, listen: { hostname: LOCAL, port: 0 }, services: [handlers] }),
  );
  const client = stack.use(createRpcClient(SchedulerService, `${LOCAL}:${server.port}`, runtime));
  const options = { signal: NEVER, timeoutMs: 5_000 };
  const parts: Partial<SchedulerLink> = {
    client,
    isUsable: true,
    decided: () => {},
    announce: async () => void await client.announceHost({ host: undefined }, options),
  };
  const link = parts as SchedulerLink;
  const schedulers = { pick: () => link, reach: () => Promise.resolve(link) };
  const control = new GrpcCacheControl({ hostId: "host", runtime, ...schedulers, copies: () => copies });
  const opened = stack.move();
  return { control, link, said, knows, runtime, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function copyOf(taskId: string, parts: Partial<CacheCopy["retention"]> = {}): CacheCopy {
  const times = { ttlMs: HOUR_MS, expiresAtMs: realClock().wallMs() + HOUR_MS / 2 };
  const rest = { isPersistent: true, peerId: "peer", replicaCount: 2, tag: undefined, application: undefined };
  return { taskId, plan: piecePlan(10, 4), retention: { ...rest, ...times, ...parts } };
}

Deno.test("an import at a scheduler that forgot this host announces it and begins again", async () => {
  await using bench = await openBench();
  bench.knows.host = false;
  await bench.control.uploadStarted(copyOf("a"), NEVER);
  assert.deepEqual(bench.said, ["started a", "host", "started a"]);
});

Deno.test("an import of what the swarm has says under which id it is there", async () => {
  await using bench = await openBench();
  bench.knows.tasks.set("a", { expiresAtMs: realClock().wallMs() });
  const importing = bench.control.uploadStarted(copyOf("a"), NEVER);
  await assert.rejects(importing, { code: "already_exists", message: /task a: .* export it by this id/ });
  assert.deepEqual(bench.said, ["started a"]);
});

Deno.test("a scheduler that forgot everything is told of replicas first, for they make their task known", async () => {
  const plain = copyOf("plain", { isPersistent: false });
  await using bench = await openBench([plain, copyOf("replica")]);
  bench.knows.tasks.set("plain", plain.retention);
  await bench.control.tellCopies(bench.link, NEVER);
  assert.deepEqual(bench.said, [
    ...["stat peer replica", "started replica", "finished replica"],
    ...["stat peer plain", "stat task plain"],
    "registerPersistentCachePeerRequest plain",
    "downloadPersistentCachePeerStartedRequest plain",
    "downloadPersistentCachePeerFinishedRequest plain",
  ]);
  const fields = bench.runtime.log.lines.map(({ fields }) => fields);
  assert.deepEqual(fields, [{ tasks: 2 }]);
});

Deno.test("a second replica of a task joins the first", async () => {
  const replica = copyOf("a");
  await using bench = await openBench([replica]);
  bench.knows.tasks.set("a", replica.retention);
  await bench.control.tellCopies(bench.link, NEVER);
  assert.deepEqual(bench.said.slice(0, 4), [
    ...["stat peer a", "started a", "stat task a"],
    "registerPersistentCachePeerRequest a",
  ]);
});

Deno.test("a scheduler that knows a copy is told nothing, and of a copy whose time is over nobody is", async () => {
  await using bench = await openBench([copyOf("known"), copyOf("over", { expiresAtMs: realClock().wallMs() - 1 })]);
  bench.knows.peers.add("known");
  await bench.control.tellCopies(bench.link, NEVER);
  assert.deepEqual(bench.said, ["stat peer known"]);
  assert.deepEqual(bench.runtime.log.lines, []);
});

Deno.test("a copy of an earlier import is none of what others imported under the same id since", async () => {
  const copy = copyOf("a", { isPersistent: false });
  await using bench = await openBench([copy]);
  bench.knows.tasks.set("a", { expiresAtMs: copy.retention.expiresAtMs + 2 * 60_000 });
  await bench.control.tellCopies(bench.link, NEVER);
  assert.deepEqual(bench.said, ["stat peer a", "stat task a"]);
});

Deno.test("a copy is superseded when its id is of another import, and the scheduler does not know it", async () => {
  await using bench = await openBench();
  const copy = copyOf("a");
  assert.equal(await bench.control.isSuperseded(copy, NEVER), false, "it may only have forgotten");
  bench.knows.tasks.set("a", copy.retention);
  assert.equal(await bench.control.isSuperseded(copy, NEVER), false, "the same import");
  bench.knows.tasks.set("a", { expiresAtMs: copy.retention.expiresAtMs + HOUR_MS });
  assert.equal(await bench.control.isSuperseded(copy, NEVER), true);
  bench.knows.peers.add("a");
  assert.equal(await bench.control.isSuperseded(copy, NEVER), false, "clocks may differ that much");
});
