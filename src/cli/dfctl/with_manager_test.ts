import assert from "node:assert/strict";
import { runDfctlWith } from "./harness_test.ts";

const CLUSTER = {
  ...{ id: 4, name: "7", bio: "", is_default: false, scopes: null, created_at: "2026-01-02T03:04:05Z" },
  ...{ scheduler_cluster_config: null, seed_peer_cluster_config: null, peer_cluster_config: null },
};

Deno.test("digits are an id, and what follows name= is a name, whatever it looks like", async () => {
  const show = (which: string) => {
    return runDfctlWith(({ path }) => path === "clusters" ? [CLUSTER] : CLUSTER, ["cluster", "show", which]);
  };
  const byId = await show("7");
  assert.deepEqual(byId.asked.map(({ path }) => path), ["clusters/7"]);
  const byName = await show("name=7");
  assert.deepEqual([byName.code, byName.asked.map(({ path }) => path)], [0, ["clusters", "clusters/4"]]);
  const neither = await show("name=8");
  assert.match(neither.errors, /Cannot find "8" among the clusters/);
  const { output } = await runDfctlWith(() => [], ["cluster", "show", "--help"]);
  assert.match(output, /name=7 for a name that is a number/);
});

Deno.test("audits are asked for by a method that there is, in any case", async () => {
  const list = (operation: string) => runDfctlWith(() => [], ["audit", "list", "--operation", operation]);
  for (const method of ["patch", "DELETE"]) {
    assert.match((await list(method)).errors, /A personal access token opens/, "that far it is understood");
  }
  const { code, errors, asked } = await list("FOO");
  assert.deepEqual([code, asked], [2, []]);
  assert.match(errors, /expected one of GET, POST, PUT, PATCH, DELETE/);
});
