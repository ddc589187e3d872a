import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { Decision } from "../control/control.ts";
import { blob, FakeSource, NEVER, PIECE, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

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
    return { kind: "from_parents", parents: asked === 2 ? [] : [swarm.peer(parent)] };
  });
  assert.deepEqual([reads, words], [0, ["register", "register", "started", "reschedule", "finished"]]);
});

Deno.test("what was to be said over a broken stream is not said before the registration over the next", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using dies = await seed(swarm);
  dies.behaviour.onFetch = (number) => {
    if (number >= 5) throw broken();
  };
  const source = new FakeSource(CONTENT);
  source.onBlock = (position, signal) => {
    return position >= 15 * PIECE && clock.now() < 3_000 ? clock.sleep(3_000 - clock.now(), signal) : undefined;
  };
  let asked = 0;
  const decide = async (): Promise<Decision> => {
    if (asked++ === 0) return { kind: "from_parents", parents: [swarm.peer(dies)] };
    await clock.sleep(asked === 2 ? 1_000 : 60_000, NEVER);
    throw broken();
  };
  await using child = await SwarmNode.start(swarm, { source, decide, clock });
  child.control.isAlive = false;
  child.control.onSend = ({ kind }) => kind === "piece_back_to_source_finished" ? clock.sleep(1_500, NEVER) : undefined;
  const pull = child.pull(requestFor(CONTENT));
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone && clock.now() < 60_000) await clock.advance(250);
  assert.deepEqual(await pull, CONTENT);
  const kinds = child.control.kinds();
  const from = kinds.indexOf("reschedule");
  const words = ["reschedule", "piece_back_to_source_finished", "register", "back_to_source_started"];
  assert.deepEqual(kinds.slice(from, from + words.length), words);
  child.control.onSend = () => {};
  await clock.advance(60_000);
});

Deno.test("a stream that breaks at once again and a scheduler that does not answer are left", async () => {
  const failures = [[broken(), 2], [new DamselflyError("timeout", "No answer"), 1]] as const;
  for (const [failure, registrations] of failures) {
    const { reads, words, announced } = await pullWith(new Swarm(), () => {
      throw failure;
    });
    assert.deepEqual(words, Array.from({ length: registrations }, () => "register"));
    assert.deepEqual([reads, announced], [1, 1]);
  }
});
