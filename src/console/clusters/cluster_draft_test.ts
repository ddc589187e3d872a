/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { blockListOf, type BlockRule, rulesOf } from "./block_list.ts";
import { foundClusters } from "./cluster.ts";
import { bodyOf, draftOf, NEW_CLUSTER } from "./cluster_draft.ts";

const RULE: BlockRule = {
  ...{ side: "client", taskType: "task", feature: "download" },
  ...{ applications: ["a"], urls: [], tags: [], priorities: [3] },
};
const CLUSTER = {
  ...{ id: 1, name: "east", bio: "", scheduler_cluster_id: 1, seed_peer_cluster_id: 2, is_default: true },
  scopes: { idc: "idc1", location: "", cidrs: null, hostnames: ["^node"] },
  scheduler_cluster_config: { candidate_parent_limit: 4, filter_parent_limit: 0, job_rate_limit: 10 },
  seed_peer_cluster_config: { load_limit: 300, block_list: { task: null } },
  peer_cluster_config: { load_limit: 0, block_list: { task: { download: { applications: ["a"], priorities: [3] } } } },
  ...{ created_at: "", updated_at: "" },
};

Deno.test("a cluster that is opened and saved unchanged stays as it was", () => {
  const body = bodyOf(draftOf(CLUSTER));
  assert.deepEqual(body.scopes, { location: "", idc: "idc1", cidrs: [], hostnames: ["^node"] });
  assert.deepEqual(body.scheduler_cluster_config, CLUSTER.scheduler_cluster_config);
  assert.deepEqual([body.name, body.is_default], ["east", true]);
  assert.deepEqual(rulesOf({ ...CLUSTER, ...body }), rulesOf(CLUSTER));
  assert.deepEqual(rulesOf(CLUSTER), [RULE]);
  assert.deepEqual([body.peer_cluster_config.load_limit, body.seed_peer_cluster_config.load_limit], [0, 300]);
});

Deno.test("a limit that is left empty is the default, and a rule that was taken out is gone", () => {
  const body = bodyOf({ ...NEW_CLUSTER, name: " west ", limits: { ...NEW_CLUSTER.limits, peerLoadLimit: "70" } });
  assert.equal(body.name, "west");
  assert.deepEqual(body.peer_cluster_config, { load_limit: 70, block_list: {} });
  assert.deepEqual(body.seed_peer_cluster_config, { load_limit: 0, block_list: {} });
  assert.equal(body.scheduler_cluster_config.filter_parent_limit, 0);
});

Deno.test("each rule goes to its side, rules for the same are joined, and empty ones are left out", () => {
  const upload: BlockRule = { ...RULE, taskType: "persistentTask", feature: "upload", priorities: [] };
  const rules = [RULE, { ...RULE, applications: ["a", "b"] }, upload, { ...RULE, applications: [], priorities: [] }];
  assert.deepEqual(blockListOf(rules, "client"), {
    task: { download: { applications: ["a", "b"], urls: [], tags: [], priorities: [3] } },
    persistent_task: { upload: { applications: ["a"], urls: [], tags: [] } },
  });
  assert.deepEqual(blockListOf(rules, "seedClient"), {});
});

Deno.test("clusters are found by a part of their name, the default one first", () => {
  const clusters = [
    { id: 3, name: "North-East", is_default: false },
    { id: 2, name: "west", is_default: false },
    { id: 1, name: "easter", is_default: false },
    { id: 9, name: "EAST", is_default: true },
  ];
  assert.deepEqual(foundClusters(clusters, " east ").map(({ id }) => id), [9, 1, 3]);
  assert.equal(foundClusters(clusters, "").length, 4);
});
