/** Peers of one cluster that are configured differently still cost the registry one copy. */
import assert from "node:assert/strict";
import { image, layerBytes, Stage } from "./stage.ts";

const rule = (pieceLength: string) => ({ settings: { "download.pieceLength": pieceLength } });
const ids = (byDigest: boolean) => ({ settings: { "proxy.registryMirror.enableTaskIDBasedBlobDigest": byDigest } });
const RULES = ["damselfly", "dragonfly"] as const;

async function pullInTurn(stage: Stage, ...names: string[]): Promise<void> {
  for (const name of names) {
    await stage.node(name).pull();
    await stage.untilContentsKnown();
  }
}

Deno.test("with two piece rules and no seed peer, each layer is sent once, and the second node gets it from the first", async () => {
  for (const [first, second] of [RULES, RULES.toReversed()]) {
    await using stage = await Stage.open({ nodes: [] });
    await stage.start("first", rule(first as string));
    await stage.start("second", rule(second as string));
    await stage.untilHosts(2);
    await pullInTurn(stage, "first", "second");
    assert.equal(stage.layerBytesSent(), layerBytes);
    const { backToSource, remotePeer } = stage.node("second").traffic;
    assert.equal(backToSource, 0);
    assert.ok(remotePeer >= layerBytes);
  }
});

Deno.test("a seed peer of one rule serves peers of both at the same moment with one copy", async () => {
  for (const seed of RULES) {
    await using stage = await Stage.open({ nodes: [] });
    await stage.start("seed", rule(seed));
    for (const name of RULES) await stage.start(name, rule(name));
    await stage.untilHosts(3);
    await Promise.all(RULES.map((name) => stage.node(name).pull()));
    assert.equal(stage.layerBytesSent(), layerBytes);
  }
});

Deno.test("a seed peer serves a blob by its digest and by its URL from one copy, and says that peers differ", async () => {
  await using stage = await Stage.open({ nodes: ["seed"] });
  await stage.start("by-url", ids(false));
  await stage.start("by-digest", ids(true));
  await stage.untilHosts(3);
  await stage.node("by-url").pull();
  await stage.node("by-digest").pull();
  assert.equal(stage.layerRequests().length, image.layers.length);
  assert.equal(stage.layerBytesSent(), layerBytes);
  const { backToSource } = stage.node("by-digest").traffic;
  assert.equal(backToSource, 0);
  const lines = stage.node("seed").runtime?.log.lines ?? [];
  const said = lines.filter(({ message }) => message.includes("enableTaskIDBasedBlobDigest"));
  assert.equal(said.length, 1);
});

Deno.test("peers that ask for a blob by both ids at the same moment cost the registry one copy", async () => {
  await using stage = await Stage.open({ nodes: ["seed"] });
  await stage.start("by-url", ids(false));
  await stage.start("by-digest", ids(true));
  await stage.untilHosts(3);
  await Promise.all([stage.node("by-url").pull(), stage.node("by-digest").pull()]);
  assert.equal(stage.layerBytesSent(), layerBytes);
});
