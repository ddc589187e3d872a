/** Contents without a digest, of which peers may have different versions. */
import assert from "node:assert/strict";
import { blob, FakeSource, PIECE, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

const [V1, V2] = [blob(10 * PIECE), blob(10 * PIECE, 2)];
const REQUEST = { ...requestFor(V1), digest: undefined, isBlobDigestTaskId: false };

function sourceOf(content: Uint8Array, responseHeaders: Record<string, string>): FakeSource {
  const source = new FakeSource(content);
  source.responseHeaders = responseHeaders;
  return source;
}

/** What a child gets whose only parent has {@link V1}, while the source has `content` and says `headers` of it. */
async function pullFromParent(content: Uint8Array, headers: Record<string, string>) {
  const swarm = new Swarm();
  await using parent = await SwarmNode.start(swarm, { source: sourceOf(V1, { etag: '"v1"' }) });
  parent.behaviour.cutsAsAsked = true;
  await parent.pull(REQUEST);
  const source = sourceOf(content, headers);
  const parents = [swarm.peer(parent)];
  await using child = await SwarmNode.start(swarm, { source, decide: () => ({ kind: "from_parents", parents }) });
  const bytes = await child.pull(REQUEST);
  return {
    bytes,
    reads: source.reads.length,
    warnings: child.runtime.log.lines.filter(({ level }) => level === "warn"),
  };
}

Deno.test("a parent with another version of a content gives none of it, and the loss is told", async () => {
  const { bytes, reads, warnings } = await pullFromParent(V2, { etag: '"v2"' });
  assert.deepEqual(bytes, V2);
  assert.equal(reads, 1);
  assert.ok(warnings.some(({ message }) => message.includes("cannot share")));
});

Deno.test("a parent with the same version gives all of it, and so does one of a source that names none", async () => {
  for (const headers of [{ etag: '"v1"' }, { etag: 'W/"v1"' }, {}]) {
    const { bytes, reads, warnings } = await pullFromParent(V1, headers);
    assert.deepEqual(bytes, V1);
    assert.deepEqual([reads, warnings], [0, []]);
  }
});
