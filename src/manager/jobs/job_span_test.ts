import assert from "node:assert/strict";
import type { Job } from "../store/jobs.ts";
import { jobSpan } from "./job_span.ts";

Deno.test("a job is found in traces by what it is about, without what could be a secret", () => {
  const job = (type: string) => ({ type, taskId: "group_1" }) as Job;
  const url = "https://ada:lovelace@registry.example/v2/app/manifests/v1?X-Amz-Signature=secret";
  const preheat = jobSpan(job("preheat"), { type: "image", url });
  assert.deepEqual([preheat.name, preheat.kind], ["preheat", "producer"]);
  assert.deepEqual(preheat.attributes, {
    "d7y.manager.preheat.type": "image",
    "d7y.manager.preheat.url": "https://registry.example/v2/app/manifests/v1",
    "d7y.manager.id": "group_1",
  });
  const [file] = Object.values(jobSpan(job("preheat"), { urls: [url, "b"] }).attributes).slice(1);
  assert.equal(file, "https://registry.example/v2/app/manifests/v1");
  assert.equal(jobSpan(job("delete_task"), { task_id: "abc" }).attributes["d7y.manager.delete_task.id"], "abc");
  assert.equal(jobSpan(job("sync_peers"), {}).name, "sync-peers");
});
