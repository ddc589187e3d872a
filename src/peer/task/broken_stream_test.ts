import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { Decision } from "../control/control.ts";
import { blob, FakeSource, PIECE, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

const CONTENT = blob(20 * PIECE + 500);

function broken(): DamselflyError {
  return new DamselflyError("unavailable", "The connection was reset");
}

/** A node that has all of the content. */
async function seed(swarm: Swarm): Promise<SwarmNode> {
  const node = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await node.pull(requestFor(CONTENT));
  return node;
}

/** A node that asks, and how often its source was read when it has the content. */
async function pullWith(swarm: Swarm, decide: () => Decision, prepare = (_: SwarmNode) => {}) {
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, decide });
  prepare(child);
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  await child.tasks[Symbol.asyncDispose]();
  const words = child.control.kinds().filter((kind) => !kind.startsWith("piece_"));
  assert.equal(child.control.openSessions, 0);
  return { reads: source.reads.length, words, kinds: child.control.kinds(), announced: child.control.announced.length };
}

Deno.test("a download whose stream breaks in the middle registers anew, and the source is not asked", async () => {
  const swarm = new Swarm();
  await using dies = await seed(swarm);
  await using lives = await seed(swarm);
  let left = 5;
  dies.behaviour.onFetch = () => {
    if (left-- <= 0) throw broken();
  };
  const parents = [dies, lives].map((node) => swarm.peer(node));
  const decide = () => ({ kind: "from_parents", parents: parents.splice(0, 1) }) as const;
  const { reads, words, kinds, announced } = await pullWith(swarm, decide, ({ control }) => {
    let reports = 0;
    control.onSend = ({ kind }) => {
      if (kind === "piece_finished" && ++reports === 3) throw broken();
    };
  });
  assert.deepEqual(words, ["register", "started", "register", "started", "finished"]);
  assert.deepEqual([reads, announced], [0, 0]);
  const again = kinds.lastIndexOf("register");
  assert.deepEqual(kinds.slice(again, again + 3), ["register", "started", "piece_finished"]);
});

Deno.test("a download whose stream breaks while it waits for a decision registers anew", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  let asked = 0;
  const { reads, words } = await pullWith(swarm, () => {
    if (asked++ === 0) throw broken();
    return { kind: "from_parents", parents: [swarm.peer(parent)] };
  });
  assert.deepEqual([reads, words], [0, ["register", "register", "started", "finished"]]);
});

Deno.test("nothing that was to be said over a broken stream is said before the registration over the next", async () => {
  const swarm = new Swarm();
  await using dies = await seed(swarm);
  await using lives = await seed(swarm);
  let left = 5;
  dies.behaviour.onFetch = () => {
    if (left-- <= 0) throw broken();
  };
  let asked = 0;
  const sent: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { reads } = await pullWith(swarm, () => {
    if (asked++ === 1) throw broken();
    return { kind: "from_parents", parents: [swarm.peer(asked === 1 ? dies : lives)] };
  }, ({ control }) => {
    control.onSend = async ({ kind }) => {
      if (kind === "reschedule") setTimeout(gate.resolve);
      else if (asked === 2) await gate.promise;
      sent.push(kind);
    };
  });
  assert.equal(reads, 0);
  const again = sent.indexOf("reschedule");
  assert.equal(sent[again + 1], "register");
});

Deno.test("a stream that breaks again and a scheduler that does not answer are not asked anew", async () => {
  const failures = [[broken(), 2], [new DamselflyError("timeout", "No answer"), 1]] as const;
  for (const [failure, registrations] of failures) {
    const { reads, words, announced } = await pullWith(new Swarm(), () => {
      throw failure;
    });
    assert.deepEqual(words, Array.from({ length: registrations }, () => "register"));
    assert.deepEqual([reads, announced], [1, 1]);
  }
});
