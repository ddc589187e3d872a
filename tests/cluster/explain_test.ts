/** What peers record of their pulls, as `dfctl explain` shows it. */
import assert from "node:assert/strict";
import { socketPathOf } from "../../src/cmd/local_cluster_settings.ts";
import { Dfctl } from "./dfctl_stage.ts";
import { image, layer, REPOSITORY, Stage } from "./stage.ts";

/** What `dfctl explain --json` says on a node. */
async function explained(stage: Stage, dfctl: Dfctl, node: string, name: string) {
  return await dfctl.json("explain", name, "-e", socketPathOf(stage.dir, node));
}

function imageName({ registry }: Stage): string {
  return `${registry.namespace}/${REPOSITORY}:v1`;
}

/** The pull of the largest layer. */
// deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
function layerPull({ pulls }: any) {
  // deno-lint-ignore no-explicit-any -- as above
  return pulls.find((pull: any) => pull.digest === layer.digest);
}

Deno.test("a pull is explained: each content with where its bytes came from, and what was waited for", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  await using dfctl = await Dfctl.open();
  await stage.node("peer-1").pull();
  const said = await explained(stage, dfctl, "peer-1", imageName(stage));
  assert.equal(said.pulls.length, image.layers.length + 3, "layers, config, manifest and index");
  assert.equal(said.tag_digest, image.index.digest);
  const { traffic } = stage.node("peer-1");
  const sum = (key: string) =>
    said.pulls.reduce((total: number, pull: Record<string, number>) => total + (pull[key] ?? 0), 0);
  assert.deepEqual([sum("origin_bytes"), sum("peer_bytes")], [traffic.backToSource, traffic.remotePeer]);
  const pull = layerPull(said);
  assert.deepEqual([pull.repository, pull.is_running, pull.error], [REPOSITORY, false, null]);
  assert.deepEqual(pull.parents.map((parent: { hostname: string }) => parent.hostname), ["seed"]);
  const kinds = pull.events.map(({ kind }: { kind: string }) => kind);
  for (const kind of ["source_answer", "decision", "to_parents", "first_piece", "seal"]) {
    assert.ok(kinds.includes(kind), kind);
  }

  const text = await dfctl.output("explain", imageName(stage), "-e", socketPathOf(stage.dir, "peer-1"));
  assert.match(text, /^ +CONTENT +SIZE +TIME +FIRST BYTE +SOURCES +WAITED +FOR$/m);
  const triggered = layerPull(await explained(stage, dfctl, "seed", layer.digest));
  assert.deepEqual([triggered.is_triggered, triggered.origin_bytes], [true, layer.size]);
});
