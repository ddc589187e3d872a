import assert from "node:assert/strict";
import { parseConfig } from "../../../config/load.ts";
import { SchedulerConfig } from "../../../config/scheduler.ts";
import { takesQueuedJobs } from "./start_queue.ts";

Deno.test("jobs are taken from Redis where it is named, also in the older table, and not where they are off", () => {
  const takes = (yaml: string) => takesQueuedJobs(parseConfig(SchedulerConfig, yaml, "c.yaml").config);
  const manager = "manager: { addr: m:65003 }\n";
  assert.equal(takes(`${manager}database: { redis: { addrs: [r:6379] } }`), true);
  assert.equal(takes(`${manager}job: { redis: { addrs: [r:6379] } }`), true);
  assert.equal(takes(manager), false);
  assert.equal(takes(`${manager}database: { redis: { addrs: [r:6379] } }\njob: { enable: false }`), false);
  assert.equal(takes("database: { redis: { addrs: [r:6379] } }"), false, "without a manager nobody has jobs");
});
