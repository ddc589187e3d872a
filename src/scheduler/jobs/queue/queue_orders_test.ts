import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { derOfPem } from "../../../core/certificates.ts";
import { DamselflyError } from "../../../core/error.ts";
import { Host, ObjectStorage } from "../../../rpc/gen/common/v2/common.ts";
import { HostResult } from "../../../rpc/gen/damselfly/v1/jobs.ts";
import { testCertificates } from "../../../testing/certificates.ts";
import { runQueuedJob } from "./queued_jobs.ts";
import {
  deleteAnswer,
  findAnswer,
  hostsAnswer,
  parseQueuedPreheat,
  parseQueuedTask,
  preheatAnswer,
} from "./queue_orders.ts";

const [A, B] = ["https://f.corp/a", "https://f.corp/b"];
/** What a stock manager writes when somebody orders nothing but URLs. */
const PREHEAT = {
  ...{ url: "", urls: [A, B], pieceLength: null, tag: "", filtered_query_params: "x&y", headers: null },
  ...{ application: "", priority: 0, scope: "single_seed_peer", ips: null, percentage: null, count: null },
  ...{ concurrent_task_count: 8, concurrent_peer_count: 500, certificate_chain: null, insecure_skip_verify: false },
  ...{ timeout: 3600e9, group_uuid: "g", task_uuid: "t", object_storage: null, hdfs: null, output_path: null },
};
const preheat = (fields: Record<string, unknown>) => parseQueuedPreheat(JSON.stringify({ ...PREHEAT, ...fields }));

Deno.test("a preheat of a stock manager is one order for all of its URLs", () => {
  const order = preheat({ headers: { A: "b" }, tag: "t", ips: ["10.0.0.1"], count: 3, pieceLength: 4 << 20 });
  assert.deepEqual(order.downloads?.map(({ url }) => url), [A, B]);
  for (const { requestHeader, tag, pieceLength, filteredQueryParams } of order.downloads ?? []) {
    assert.deepEqual([requestHeader, tag, pieceLength, filteredQueryParams], [{ A: "b" }, "t", 4 << 20, ["x", "y"]]);
  }
  assert.deepEqual(order.targets, { scope: "single_seed_peer", ips: ["10.0.0.1"], count: 3, percentage: undefined });
  assert.deepEqual([order.timeoutMs, order.tasksAtOnce, order.hostsAtOnce], [3_600_000, 8, 500]);
  assert.deepEqual(preheat({ urls: null, url: A }).downloads?.map(({ url }) => url), [A], "the form before urls");
});

Deno.test("the access to an object storage goes with each of its objects", () => {
  const keys = { region: "eu", endpoint: "https://s3.corp", access_key_id: "id", access_key_secret: "secret" };
  const object_storage = { ...keys, session_token: "token", insecure_skip_verify: true };
  const order = preheat({ urls: ["s3://b/1", "s3://b/2"], object_storage });
  const expected = ObjectStorage.create({
    ...{ region: "eu", endpoint: "https://s3.corp", accessKeyId: "id", accessKeySecret: "secret" },
    ...{ sessionToken: "token", insecureSkipVerify: true },
  });
  assert.deepEqual(order.downloads?.map(({ objectStorage }) => objectStorage), [expected, expected]);
});

Deno.test("the authorities of a preheat go with each of its downloads", () => {
  const der = derOfPem(readFileSync(testCertificates("a").caCert, "utf8"));
  const order = preheat({ certificate_chain: [der.toBase64()] });
  assert.deepEqual(order.downloads?.map(({ certificateChain }) => certificateChain), [[der], [der]]);
});

Deno.test("what peers would not obey is refused by name", () => {
  const refusals: [Record<string, unknown>, RegExp][] = [
    [{ object_storage: {} }, /object_storage: expected only with an s3/],
    [{ object_storage: { region: 1 } }, /object_storage/],
    [{ hdfs: {} }, /hdfs/],
    [{ certificate_chain: ["x"] }, /certificate_chain/],
    [{ certificate_chain: ["AAAA"] }, /Cannot read a certificate/],
    [{ insecure_skip_verify: true }, /insecure_skip_verify/],
    [{ output_path: "/etc/passwd" }, /output_path/],
    [{ urls: [A, "file:///etc/passwd"] }, /url/],
    [{ urls: [], url: "" }, /urls/],
    [{ scope: "everybody" }, /scope/],
    [{ timeout: 1e18 }, /timeout/],
  ];
  for (const [fields, message] of refusals) assert.throws(() => preheat(fields), { message });
});

Deno.test("a job about a task has its limits, and needs an id", () => {
  const order = parseQueuedTask('{"task_id":"x","timeout":5000000000,"concurrent_peer_count":7}');
  assert.deepEqual([order.taskIds, order.timeoutMs, order.hostsAtOnce], [["x"], 5_000, 7]);
  assert.throws(() => parseQueuedTask('{"task_id":""}'));
});

Deno.test("a preheat has succeeded when each content is on a host; otherwise the reasons are the failure", () => {
  const there = HostResult.create({ url: A, hostname: "h", ip: "10.0.0.1" });
  const failed = HostResult.create({ url: A, hostname: "i", ip: "10.0.0.2", error: "its disk is full" });
  assert.deepEqual(JSON.parse(preheatAnswer([there, failed], 7)), {
    success_tasks: [{ url: A, hostname: "h", ip: "10.0.0.1" }],
    failure_tasks: [{ url: A, hostname: "i", ip: "10.0.0.2", description: "its disk is full" }],
    scheduler_cluster_id: 7,
  });
  const missing = HostResult.create({ url: B, hostname: "i", ip: "10.0.0.2", error: "404" });
  assert.throws(() => preheatAnswer([there, missing], 7), { message: "Cannot preheat 1 contents: 404" });
});

Deno.test("holders, deletions and hosts are told in the words of a stock manager", () => {
  const host = { hostId: "h-1", hostname: "h", ip: "10.0.0.1", hostType: 1 };
  const created = { createdAt: { seconds: 1, nanos: 0 } };
  assert.deepEqual(JSON.parse(findAnswer([HostResult.create({ ...host, ...created, isFinished: true })], 7)), {
    peers: [{
      ...{ id: "h-1", hostname: "h", ip: "10.0.0.1", host_type: "super", IsFinished: true, task_finished: true },
      ...{ created_at: "1970-01-01T00:00:01.000Z", updated_at: "0001-01-01T00:00:00Z" },
    }],
    scheduler_cluster_id: 7,
  });
  const results = [HostResult.create(host), HostResult.create({ ...host, error: "it is gone" })];
  const entry = { hostname: "h", ip: "10.0.0.1", host_type: "super" };
  assert.deepEqual(JSON.parse(deleteAnswer(results, 7)), {
    success_tasks: [entry],
    failure_tasks: [{ ...entry, description: "it is gone" }],
    scheduler_cluster_id: 7,
  });
  const [shown] = JSON.parse(hostsAnswer([Host.create({ id: "h-1", type: 1, hostname: "h", schedulerClusterId: 7 })]));
  assert.deepEqual([shown.ID, shown.Type, shown.Hostname, shown.SchedulerClusterID], ["h-1", 1, "h", 7]);
  assert.deepEqual(shown.Network, { Location: "", IDC: "" });
});

Deno.test("each type of job reaches what runs it, and one that is not known is refused", async () => {
  const asked: string[] = [];
  const none = async function* (name: string): AsyncGenerator<HostResult, void, undefined> {
    await Promise.resolve(asked.push(name));
    yield* [];
  };
  const jobs = { preheat: () => none("preheat"), find: () => none("find"), delete: () => none("delete") };
  const run = (name: string, payload: string) => {
    return runQueuedJob({ jobs, hosts: () => [], clusterId: 7 }, name, payload, new AbortController().signal);
  };
  await run("preheat", JSON.stringify(PREHEAT));
  await run("get_task", '{"task_id":"x"}');
  await run("delete_task", '{"task_id":"x"}');
  assert.equal(await run("sync_peers", "{}"), "[]");
  assert.deepEqual(asked, ["preheat", "find", "delete"]);
  await assert.rejects(run("gc", "{}"), { code: "unimplemented" });
});

Deno.test("whatever a manager writes, it is an order or refused", () => {
  const payload = fc.record(
    Object.fromEntries(Object.keys(PREHEAT).map((key) => [key, fc.oneof(fc.jsonValue(), fc.constant(null))])),
    { requiredKeys: [] },
  );
  fc.assert(fc.property(fc.oneof(payload.map((value) => JSON.stringify(value)), fc.json(), fc.string()), (text) => {
    for (const parse of [parseQueuedPreheat, parseQueuedTask]) {
      try {
        parse(text);
      } catch (error) {
        assert(error instanceof DamselflyError, String(error));
      }
    }
  }));
});
