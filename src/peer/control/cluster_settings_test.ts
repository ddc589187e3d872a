import { deepEqual, equal, throws } from "node:assert/strict";
import { NO_SETTINGS, parseClusterSettings } from "./cluster_settings.ts";

Deno.test("the settings of a cluster are read as Go writes them, with nulls and keys that are not for peers", () => {
  const { blockList, seedPeerClusterId } = parseClusterSettings(JSON.stringify({
    load_limit: 200,
    seed_peer_cluster_id: 4,
    block_list: {
      task: { download: { applications: null, urls: ["^https://a"], tags: ["t"], priorities: [1, 2] } },
      persistent_task: null,
    },
  }));
  equal(seedPeerClusterId, 4);
  deepEqual(blockList.urls.map(({ text }) => text), ["^https://a"]);
  deepEqual([...blockList.tags, ...blockList.priorities], ["t", 1, 2]);
  equal(blockList.applications.size, 0);
});

Deno.test("no settings refuse nothing, and settings that cannot be read are no settings", () => {
  equal(parseClusterSettings(""), NO_SETTINGS);
  for (const json of ["{}", '{"block_list":null}', '{"block_list":{"task":null}}', '{"block_list":{"task":{}}}']) {
    deepEqual(parseClusterSettings(json), NO_SETTINGS);
  }
  for (const json of ["{", "[]", '{"block_list":7}', '{"block_list":{"task":{"download":{"urls":["("]}}}}']) {
    throws(() => parseClusterSettings(json));
  }
});
