/** The ledger of a cluster against what its parts have counted themselves. */
import assert from "node:assert/strict";
import { socketPathOf } from "../../src/cmd/local_cluster_settings.ts";
import { formatHostPort } from "../../src/config/addresses.ts";
import { Dfctl } from "./dfctl_stage.ts";
import { documentBytes, layer, REPOSITORY, Stage } from "./stage.ts";

async function signedIn(stage: Stage): Promise<Dfctl> {
  const dfctl = await Dfctl.open();
  const url = `http://${formatHostPort(stage.manager.it.rest)}`;
  const { code, errors } = await dfctl.run(["login", url, "--password-stdin"], { input: "dragonfly" });
  assert.equal(code, 0, errors);
  return dfctl;
}

Deno.test("the ledger agrees with the registry and the peers, over restarts of hosts and manager, and counts nothing twice", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  const nodes = ["seed", "peer-1", "peer-2"];
  await Promise.all(["peer-1", "peer-2"].map((name) => stage.node(name).pull()));
  const counted = nodes.map((name) => stage.node(name).traffic);
  const sum = (key: "backToSource" | "remotePeer") => counted.reduce((total, traffic) => total + traffic[key], 0);
  // What is not told yet stays with the host while the manager is away.
  await stage.manager.stop();
  await stage.node("peer-2").stop();
  await stage.manager.start();
  await stage.node("peer-2").start();
  for (const name of nodes) await stage.node(name).stop();

  const { total, rows } = await dfctl.json("savings", "--since", "2h");
  assert.deepEqual([total.origin_bytes, total.peer_bytes], [sum("backToSource"), sum("remotePeer")]);
  const sent = stage.layerBytesSent() + documentBytes;
  assert.ok(
    Math.abs(total.origin_bytes - sent) <= 0.01 * sent,
    `the registry sent ${sent}, the ledger has ${total.origin_bytes}`,
  );
  assert.equal(total.served_bytes, total.peer_bytes, "the seed peer serves nobody on its own host");
  assert.equal(total.saved_bytes, total.served_bytes - total.origin_bytes);
  assert.deepEqual(rows.map(({ name }: { name: string }) => name), [`${stage.registry.namespace}/${REPOSITORY}`]);

  const table = await dfctl.output("savings", "--by", "idc");
  assert.match(table, /^SAVED +7\.0 MiB \(50%\)$/m);
  assert.match(table, /^IDC +SERVED +FROM REGISTRIES +FROM HOSTS +SAVED$/m);
  const nothing = await dfctl.run(["savings", "--since", "eternity"]);
  assert.equal(nothing.code, 2);
});

Deno.test("top says what a host pulls, a line each time where it is no terminal", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1"] });
  await using dfctl = await Dfctl.open();
  const endpoint = ["-e", socketPathOf(stage.dir, "peer-1")];
  const response = await stage.node("peer-1").blob();
  await response.bytes();
  const lines = await dfctl.output("top", "-n", "2", ...endpoint);
  assert.match(lines, /^(peer-1: 0 running, 0\/s from registries, 0\/s from hosts; so far 6\.4 MiB and 0\n){2}$/);
  const { output } = await dfctl.run(["top", "-n", "1", ...endpoint], { columns: 120 });
  assert.match(output, /^CONTENT +OF +SIZE +DONE +TIME +SOURCES +HOSTS +FOR$/m);
  assert.match(output, new RegExp(`^${layer.digest.slice(0, 19)} +${REPOSITORY} +6.4 MiB +all .*\\[#{16}\\]`, "m"));
  const { code, errors } = await dfctl.run(["top", "-e", "/nowhere.sock"]);
  assert.deepEqual([code, /Cannot reach dfdaemon/.test(errors)], [3, true]);
});
