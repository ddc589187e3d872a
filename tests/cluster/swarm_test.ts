/** What the manager is told of swarms and pulls, and that nobody else is. */
import assert from "node:assert/strict";
import { formatHostPort } from "../../src/config/addresses.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { PullsService } from "../../src/rpc/gen/damselfly/v1/pulls.ts";
import { SwarmsService } from "../../src/rpc/gen/damselfly/v1/swarms.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { layer, Stage } from "./stage.ts";

const limited = { signal: new AbortController().signal, timeoutMs: 10_000 };
const PASSWORD = "dragonfly";
const STOP_TIMEOUT_MS = 30_000;

/** The manager's answers to somebody who is signed in. */
async function signedIn(stage: Stage) {
  const base = `http://${formatHostPort(stage.manager.it.rest)}/api/v1`;
  const body = JSON.stringify({ name: "root", password: PASSWORD });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${base}/users/signin`, { method: "POST", headers, body });
  const { token } = await answer.json();
  return async (path: string) => {
    const response = await fetch(base + path, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  };
}

Deno.test("the manager shows who got a content from whom, and how one host pulled it", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  await stage.node("peer-1").pull();
  const ask = await signedIn(stage);

  const { body: swarm } = await ask(`/clusters/1/swarm?task=${layer.digest}`);
  // deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
  const member = (name: string) => swarm.members.find(({ hostname }: any) => hostname === name);
  const [seed, peer] = [member("seed"), member("peer-1")];
  assert.deepEqual(
    [seed.is_seed, seed.feeds.length, seed.feeds[0].from],
    [true, 1, null],
    "the seed has it from the source",
  );
  assert.deepEqual(peer.feeds.map(({ from }: { from: number }) => swarm.members[from].hostname), ["seed"]);
  assert.equal(peer.feeds[0].pieces, peer.pieces);
  assert.equal(swarm.content_length, layer.size);

  await waitFor("the task to have stopped", STOP_TIMEOUT_MS, async () => {
    const { body: { swarms } } = await ask("/clusters/1/swarms?state=stopped&limit=100");
    return swarms.some(({ task_id }: { task_id: string }) => task_id === swarm.task_id) || undefined;
  });

  const { body: told } = await ask(`/clusters/1/pulls?host=peer-1&name=${layer.digest}`);
  assert.deepEqual([told.hostname, told.pulls.length, told.pulls[0].digest], ["peer-1", 1, layer.digest]);
  assert.equal(told.pulls[0].peer_bytes, layer.size);
  assert.notEqual(told.sentence, "");
  assert.equal((await ask("/clusters/1/pulls?host=nobody")).status, 404);
});

Deno.test("whoever only reaches the ports of schedulers and hosts is told of neither swarms nor pulls", async () => {
  await using stage = await Stage.open({ nodes: ["seed"] });
  const options = { clock: realClock() };
  using swarms = createRpcClient(SwarmsService, formatHostPort(stage.scheduler.it), options);
  using pulls = createRpcClient(PullsService, formatHostPort(stage.node("seed").it.upload), options);
  const refused = { code: "permission_denied", message: /has no ticket of the manager/ };
  await assert.rejects(swarms.listSwarms({ stopped: false, offset: 0, limit: 10 }, limited), refused);
  await assert.rejects(swarms.getSwarm({ name: layer.digest }, limited), refused);
  await assert.rejects(pulls.listPulls({ name: "", limit: 10 }, limited), refused);
});

Deno.test("a host without a manager tells of its pulls only to programs on it", async () => {
  await using stage = await Stage.open({ nodes: ["seed"], hasManager: false });
  using pulls = createRpcClient(PullsService, formatHostPort(stage.node("seed").it.upload), { clock: realClock() });
  await assert.rejects(pulls.listPulls({ name: "", limit: 10 }, limited), {
    code: "permission_denied",
    message: /no manager is configured here/,
  });
});
