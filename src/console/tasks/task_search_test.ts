/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { clusterName, holdersOf, imageArgs, NEW_SEARCH, taskArgs, taskOf } from "./task_search.ts";

Deno.test("a task is searched for by exactly one name, and what makes URLs differ goes with URLs alone", () => {
  const search = { ...NEW_SEARCH, tag: "t", pieceLengthMib: "8", filteredQueryParams: ["a", "b"] };
  assert.deepEqual(taskArgs({ ...search, kind: "url", value: " https://r/f " }), {
    ...{ url: "https://r/f", tag: "t", application: "", piece_length: 8 * 1024 * 1024, filtered_query_params: "a&b" },
  });
  assert.deepEqual(taskArgs({ ...search, kind: "task_id", value: " abc " }), { task_id: "abc" });
  assert.deepEqual(taskArgs({ ...search, kind: "content", value: " c " }), {
    content_for_calculating_task_id: " c ",
  });
});

Deno.test("an image is read with its platform and login, which no other search sends", () => {
  const search = {
    ...NEW_SEARCH,
    kind: "image",
    value: "https://r/v2/a/manifests/1",
    username: "me",
    password: "p",
  } as const;
  const args = imageArgs(search);
  assert.deepEqual([args["url"], args["platform"], args["username"], args["password"]], [
    ...["https://r/v2/a/manifests/1", "linux/amd64", "me", "p"],
  ]);
  assert.ok(!("password" in taskArgs({ ...search, kind: "url" })));
});

Deno.test("a job says what it is about by the name that counts", () => {
  assert.equal(taskOf({ url: "u", task_id: "t" }), "u");
  assert.equal(taskOf({ url: "", content_for_calculating_task_id: "c", task_id: "t" }), "c");
  assert.equal(taskOf({ task_id: "t" }), "t");
  assert.equal(taskOf({}), "-");
});

Deno.test("layers are counted by host, and hosts by layer", () => {
  const peer = (hostname: string, ...urls: string[]) => {
    return { hostname, ip: "1.1.1.1", scheduler_cluster_id: 2, cached_layers: urls.map((url) => ({ url })) };
  };
  const layers = ["a", "b", "c"].map((url) => ({ url }));
  const holders = holdersOf({ image: { layers }, peers: [peer("one", "a"), peer("two", "a", "b")] });
  assert.deepEqual(holders.layers.map(({ url, hosts }) => [url, hosts]), [["a", 2], ["b", 1], ["c", 0]]);
  assert.deepEqual(holders.hosts.map(({ hostname, clusterId, layers }) => [hostname, clusterId, layers]), [
    ...[["two", 2, 2], ["one", 2, 1]],
  ]);
});

Deno.test("a cluster is named as far as it is known", () => {
  const clusters = [{ id: 1, name: "pond" }];
  assert.deepEqual([clusterName(1, clusters), clusterName(7, clusters), clusterName(undefined, clusters)], [
    ...["pond (1)", "7", "-"],
  ]);
});
