import assert from "node:assert/strict";
import * as fc from "fast-check";
import { DamselflyError } from "../../../core/error.ts";
import { msOfTimestamp } from "../../../rpc/time.ts";
import type { PreheatArgs } from "../../rest/job_args.ts";
import { preheatRequests } from "../job_requests.ts";
import { deleteResults, findResults, preheatPayload, preheatResults, taskPayload } from "./orders.ts";
import { HOST_ERROR_CHARACTERS_MAX } from "../host_error.ts";

function payload(args: Record<string, unknown>) {
  const { files: [file], timeoutMs } = preheatRequests(
    { type: "file", url: "https://f.corp/a", ...args } as PreheatArgs,
  );
  if (file === undefined) throw new Error("there is no file");
  return preheatPayload(file, ["https://f.corp/a", "https://f.corp/b"], { headers: { A: "b" }, timeoutMs });
}

Deno.test("a preheat has the arguments of a stock scheduler, all of them", () => {
  const args = {
    ...{ tag: "t", application: "a", piece_length: 4 << 20, filtered_query_params: "x&y", scope: "all_peers" },
    ...{ ips: ["10.0.0.1"], count: 3, percentage: 50, concurrent_task_count: 2, concurrent_peer_count: 5 },
    timeout: 90e9,
  };
  assert.deepEqual(payload(args), {
    ...{ url: "", urls: ["https://f.corp/a", "https://f.corp/b"], pieceLength: 4 << 20, tag: "t", application: "a" },
    ...{ filtered_query_params: "x&y", headers: { A: "b" }, priority: 0, scope: "all_peers", ips: ["10.0.0.1"] },
    ...{ count: 3, percentage: 50, concurrent_task_count: 2, concurrent_peer_count: 5, timeout: 90e9 },
    ...{ certificate_chain: null, insecure_skip_verify: false, object_storage: null, hdfs: null, output_path: null },
  });
});

Deno.test("the access to an object storage is written as Go writes it", () => {
  const object_storage = {
    ...{ region: "eu", endpoint: "https://s3.corp", access_key_id: "id", access_key_secret: "secret" },
    ...{ session_token: "token", insecure_skip_verify: true },
  };
  const { object_storage: written } = payload({ url: "s3://b/k", object_storage });
  assert.deepEqual(JSON.parse(JSON.stringify(written)), object_storage);
});

Deno.test("what an order leaves out is filled in as a stock manager does it: a stock scheduler would wait for ever", () => {
  const filled = payload({});
  assert.match(String(filled["filtered_query_params"]), /^X-Amz-Algorithm&.*&ns$/);
  assert.deepEqual(
    [filled["scope"], filled["pieceLength"], filled["count"], filled["percentage"], filled["timeout"]],
    ["single_seed_peer", null, null, null, 3600e9],
  );
  assert.deepEqual([filled["concurrent_task_count"], filled["concurrent_peer_count"]], [8, 500]);
  assert.deepEqual(taskPayload("x", undefined, 1_000), { task_id: "x", timeout: 1e9, concurrent_peer_count: 500 });
  assert.deepEqual(taskPayload("x", 7, 0.0001), { task_id: "x", timeout: 100, concurrent_peer_count: 7 });
});

Deno.test("what became of a preheat is told by content and host; an empty list of Go is null", () => {
  const host = { hostname: "h", ip: "10.0.0.1" };
  const results = preheatResults(JSON.stringify({
    success_tasks: [{ url: "https://f.corp/a", ...host }],
    failure_tasks: [{ url: "https://f.corp/b", ...host, description: "its disk is full" }],
    scheduler_cluster_id: 1,
  }));
  assert.deepEqual(results.map(({ url, hostname, ip, error }) => [url, hostname, ip, error]), [
    ["https://f.corp/a", "h", "10.0.0.1", undefined],
    ["https://f.corp/b", "h", "10.0.0.1", "its disk is full"],
  ]);
  assert.deepEqual(preheatResults('{"success_tasks":null,"failure_tasks":null,"scheduler_cluster_id":1}'), []);
});

Deno.test("who holds a task is told with the times of the host, whichever name the end has", () => {
  const peer = {
    ...{ id: "h-1", hostname: "h", ip: "10.0.0.1", host_type: "super" },
    ...{ created_at: "2026-01-02T03:04:05.123456789+01:00", updated_at: "never" },
  };
  const [first, second] = findResults(JSON.stringify({
    peers: [{ ...peer, IsFinished: true }, { ...peer, host_type: "new", task_finished: true }],
  }));
  assert.deepEqual([first?.hostId, first?.hostType, first?.isFinished, second?.isFinished], ["h-1", 1, true, true]);
  assert.equal(msOfTimestamp(first?.createdAt ?? { seconds: 0, nanos: 0 }), Date.UTC(2026, 0, 2, 2, 4, 5, 123));
  assert.deepEqual([first?.updatedAt, second?.hostType], [undefined, 0]);
  const [unfinished] = findResults(JSON.stringify({ peers: [{ ...peer, IsFinished: false }] }));
  assert.equal(unfinished?.isFinished, false);
});

Deno.test("who has deleted a task is told; a host that does not have it is no failure", () => {
  const host = { hostname: "h", ip: "10.0.0.1", host_type: "weak" };
  const results = deleteResults(JSON.stringify({
    success_tasks: [host],
    failure_tasks: [
      { ...host, description: "task x failed: rpc error: code = NotFound desc = task x not found" },
      { ...host, description: "task x failed: rpc error: code = Internal desc = its disk is gone" },
    ],
  }));
  assert.deepEqual(results.map(({ hostType, error }) => [hostType, error?.slice(-16)]), [
    [3, undefined],
    [3, "its disk is gone"],
  ]);
});

Deno.test("what a host says is cut where it is too long for a row, after it was understood", () => {
  const host = { hostname: "h", ip: "10.0.0.1", host_type: "weak" };
  const description = `${"x".repeat(HOST_ERROR_CHARACTERS_MAX)} code = Internal`;
  const text = JSON.stringify({
    success_tasks: [],
    failure_tasks: [{ ...host, url: "https://f.corp/a", description }],
  });
  for (const [result] of [preheatResults(text), deleteResults(text)]) {
    assert.equal(result?.error, `${"x".repeat(HOST_ERROR_CHARACTERS_MAX - 1)}…`);
  }
  assert.deepEqual(deleteResults(text.replace("Internal", "NotFound")), []);
});

Deno.test("whatever a scheduler writes, it is read or refused", () => {
  const entry = fc.record({ url: fc.jsonValue(), hostname: fc.jsonValue(), ip: fc.jsonValue() }, { requiredKeys: [] });
  const lists = fc.record({ success_tasks: fc.array(entry), failure_tasks: fc.jsonValue(), peers: fc.array(entry) });
  fc.assert(fc.property(fc.oneof(lists.map((value) => JSON.stringify(value)), fc.json(), fc.string()), (text) => {
    for (const read of [preheatResults, findResults, deleteResults]) {
      try {
        read(text);
      } catch (error) {
        assert(error instanceof DamselflyError && error.code === "internal");
      }
    }
  }));
});
