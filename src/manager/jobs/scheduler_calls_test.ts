import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import { HostResult, JobsService } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { service, startRpcServer } from "../../rpc/server.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { PreheatArgs, TaskArgs } from "../rest/job_args.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { HOST_ERROR_CHARACTERS_MAX } from "./host_error.ts";
import { preheatRequests, taskRequest } from "./job_requests.ts";
import { SchedulerCalls } from "./scheduler_calls.ts";

const NEVER = new AbortController().signal;
const HEX = "a".repeat(64);
const LONG = "x".repeat(HOST_ERROR_CHARACTERS_MAX + 1);

const AUTHORITY = readFileSync(testCertificates("a").caCert, "utf8");
const trust = () => Promise.resolve({ authorities: [AUTHORITY] });

Deno.test("a stock scheduler is asked in its own words, and what it refuses is the failure, and the end of the rest", async () => {
  const { clock, log } = testRuntime();
  const asked: string[] = [];
  const certificates: number[] = [];
  const stopped = Promise.withResolvers<void>();
  await using server = await startRpcServer({
    ...{ listen: { hostname: "127.0.0.1", port: 0 }, clock, log },
    services: [service(SchedulerService, {
      preheatFile: async ({ url, certificateChain }, { signal }) => {
        await Promise.resolve(asked.push(url));
        certificates.push(certificateChain.length);
        if (url.endsWith("/b")) throw new DamselflyError("internal", "it went wrong");
        if (url.endsWith("/slow")) await orAbort(new Promise(() => {}), signal).finally(() => stopped.resolve());
        return {};
      },
    })],
  });
  using calls = new SchedulerCalls(clock, undefined, trust);
  const scheduler = { ip: "127.0.0.1", port: server.port } as SchedulerRecord;
  const results: HostResult[] = [];
  const preheat = async (urls: string[]) => {
    const requests = preheatRequests({ type: "file", urls } as PreheatArgs);
    await calls.preheat(scheduler, requests, (result) => results.push(result), NEVER);
  };
  await preheat(["https://files.corp/a", "https://files.corp/c"]);
  const shown = results.map(({ url, hostname, error }) => [url, hostname, error]).toSorted();
  assert.deepEqual(shown, [["https://files.corp/a", "", undefined], ["https://files.corp/c", "", undefined]]);
  assert.deepEqual(certificates, [1, 1], "whom the manager trusts");
  await assert.rejects(preheat(["https://files.corp/slow", "https://files.corp/b"]), /it went wrong/);
  await stopped.promise;
  const task = taskRequest({ task_id: "x" } as TaskArgs);
  await assert.rejects(calls.task("get_task", scheduler, task, () => {}, NEVER), { code: "unimplemented" });
});

Deno.test("ours is told from a stock scheduler by a question that ours refuses, and from one that is gone", async () => {
  const { clock, log } = testRuntime();
  const listen = { hostname: "127.0.0.1", port: 0 };
  let code: ErrorCode = "invalid_argument";
  const refusal = () => Promise.reject(new DamselflyError(code, "there is no id"));
  const handlers = {
    findTask: async function* () {
      yield await refusal();
    },
  };
  await using ours = await startRpcServer({ listen, clock, log, services: [service(JobsService, handlers)] });
  await using stock = await startRpcServer({ listen, clock, log, services: [service(SchedulerService, {})] });
  using calls = new SchedulerCalls(clock, undefined, () => Promise.resolve({ authorities: [] }));
  const isOurs = (port: number) => calls.isOurs({ ip: "127.0.0.1", port } as SchedulerRecord, NEVER);
  assert.deepEqual([await isOurs(ours.port), await isOurs(stock.port)], [true, false]);
  code = "timeout";
  await assert.rejects(isOurs(ours.port), { code: "unavailable" }, "one that hangs is none to wait for");
  const { port } = stock;
  await stock[Symbol.asyncDispose]();
  await assert.rejects(isOurs(port), { code: "unavailable" });
});

Deno.test("what a scheduler says of a host is passed on, no longer than a row of a job can hold", async () => {
  const { clock, log } = testRuntime();
  const answers = [{ hostname: "a" }, { hostname: "b", error: "its disk is full" }, { hostname: "c", error: LONG }];
  await using server = await startRpcServer({
    ...{ listen: { hostname: "127.0.0.1", port: 0 }, clock, log },
    services: [service(JobsService, {
      findTask: async function* () {
        yield* await Promise.resolve(answers.map((answer) => HostResult.create(answer)));
      },
    })],
  });
  using calls = new SchedulerCalls(clock, undefined, trust);
  const scheduler = { ip: "127.0.0.1", port: server.port } as SchedulerRecord;
  const results: HostResult[] = [];
  const task = taskRequest({ task_id: "x" } as TaskArgs);
  await calls.task("get_task", scheduler, task, (result) => results.push(result), NEVER);
  assert.deepEqual(results.map(({ hostname, error }) => [hostname, error?.length]), [["a", undefined], ["b", 16], [
    "c",
    HOST_ERROR_CHARACTERS_MAX,
  ]]);
});

Deno.test("the arguments of a preheat are what schedulers are asked", () => {
  const args = {
    ...{ type: "file", url: "https://f.corp/a", urls: ["https://f.corp/b", "https://f.corp/a"], tag: "t" },
    ...{ filtered_query_params: "x&y", scope: "all_peers", count: 3, piece_length: 4 << 20, timeout: 90e9 },
    ...{ concurrent_task_count: 2, concurrent_peer_count: 5, ips: ["10.0.0.1"], headers: { a: "b" } },
  };
  const { files, images, atOnce, timeoutMs } = preheatRequests(args as unknown as PreheatArgs);
  assert.deepEqual([images.length, atOnce, timeoutMs], [0, 2, 90_000]);
  assert.deepEqual(files.map(({ url }) => url), ["https://f.corp/b", "https://f.corp/a"]);
  const [file] = files;
  assert.deepEqual([file?.tag, file?.filteredQueryParams, file?.scope, file?.count], ["t", ["x", "y"], "all_peers", 3]);
  assert.deepEqual([file?.pieceLength, file?.concurrentPeerCount, file?.ips], [4 << 20, 5, ["10.0.0.1"]]);
  assert.deepEqual([file?.header, file?.timeout], [{ a: "b" }, { seconds: 90, nanos: 0 }]);
});

Deno.test("a task is meant by its URL first, then by a content, then by its id; a blob has two ids", () => {
  const ids = (args: Record<string, unknown>) => taskRequest(args as unknown as TaskArgs).request.taskIds;
  const blob = `https://r.corp/v2/a/blobs/sha256:${HEX}`;
  const byUrl = ids({ url: "https://f.corp/a", content_for_calculating_task_id: "c", task_id: "x" });
  assert.deepEqual(byUrl, ids({ url: "https://f.corp/a" }));
  assert.equal(byUrl.length, 1);
  assert.notDeepEqual(byUrl, ids({ url: "https://f.corp/a", tag: "t" }));
  assert.deepEqual(byUrl, ids({ url: "https://f.corp/a?X-Amz-Signature=1" }), "as a preheat would call it");
  assert.notDeepEqual(ids({ content_for_calculating_task_id: "c", task_id: "x" }), ["x"]);
  assert.deepEqual(ids({ task_id: "x" }), ["x"]);
  const [first, second] = ids({ url: blob });
  assert.deepEqual([first, second?.length], [HEX, 64]);
});
