import assert from "node:assert/strict";
import { metrics, routes } from "./kinds_running.ts";
import type { RunningCluster } from "./running_cluster.ts";
import { RecordingMetrics } from "./recording_metrics.ts";

/** As much of a cluster as is asked here. */
function clusterWith(parts: Partial<RunningCluster>): RunningCluster {
  return parts as RunningCluster;
}

Deno.test("a route is there whatever its parameters are called", async () => {
  const kind = routes(clusterWith({ routes: ["GET /users/:id/roles/:role", "GET /users", "GET /users"] }));
  const find = async (name: string, at = "rest") => (await kind.find({ section: "x", at }, name, null)).verdict;
  assert.equal(await find("GET /users/{user}/roles/{name}"), "yes");
  assert.equal(await find("GET /users/{user}"), "no");
  assert.equal(await find("PUT /users"), "no");
  assert.equal(await find("GET /users", "elsewhere"), "no");
  assert.deepEqual(kind.alone({ section: "x", at: "rest" }, ["GET /users/{i}/roles/{r}"]), ["GET /users"]);
});

Deno.test("a metric is compared by name, kind and labels", async () => {
  const recorded = new RecordingMetrics();
  recorded.counter("a_total", "A.", ["x", "y"]);
  recorded.gauge("b", "B.");
  recorded.histogram("c", "C.", [1], ["x"]);
  const kind = metrics(clusterWith({ metricsOf: (name) => name === "it" ? recorded.shapes : new Map() }));
  const find = (name: string, ...fact: string[]) => kind.find({ section: "x", at: "it" }, name, fact);
  assert.deepEqual(await find("a_total", "counter", "y"), { verdict: "yes" });
  assert.deepEqual(await find("a_total", "counter", "z"), { verdict: "differs", why: "without the labels z" });
  assert.deepEqual(await find("b", "counter"), { verdict: "differs", why: "a gauge, a counter in Dragonfly" });
  assert.deepEqual(await find("c", "histogram", "x"), { verdict: "yes" });
  assert.deepEqual(await find("d", "counter"), { verdict: "no" });
  assert.deepEqual(kind.alone({ section: "x", at: "it" }, ["b"]), ["a_total", "c"]);
});
