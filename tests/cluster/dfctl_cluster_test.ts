/** dfctl in a cluster of real components: preheats, the tasks of a host, hosts and health. */
import assert from "node:assert/strict";
import { socketPathOf } from "../../src/cmd/local_cluster_settings.ts";
import { formatHostPort } from "../../src/config/addresses.ts";
import { DamselflyError } from "../../src/core/error.ts";
import { Dfctl } from "./dfctl_stage.ts";
import { gate, image, layer, layerBytes, REPOSITORY, Stage } from "./stage.ts";

/** A dfctl with which root is signed in. */
async function signedIn(stage: Stage): Promise<Dfctl> {
  const dfctl = await Dfctl.open();
  const url = `http://${formatHostPort(stage.manager.it.rest)}`;
  const { code, errors } = await dfctl.run(["login", url, "--password-stdin"], { input: "dragonfly" });
  assert.equal(code, 0, errors);
  return dfctl;
}

function imageName({ registry }: Stage, tag = "v1"): string {
  return `${registry.namespace}/${REPOSITORY}:${tag}`;
}

Deno.test("a preheat is waited for, tells what became of it, and spares the registry the pull", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  const done = await dfctl.run(["preheat", imageName(stage), "--plain-http", "--scope", "all_peers"]);
  assert.equal(done.code, 0, done.errors);
  const count = 3 * image.blobs.length;
  assert.match(done.output, new RegExp(`^Job 1: SUCCESS, ${count} done, 0 failed, waited .*s\n$`));
  assert.equal((await dfctl.json("job", "show", "1")).result.progress.expected_count, count);
  await stage.node("peer-1").pull();
  assert.equal(stage.layerBytesSent(), layerBytes);

  const missing = await dfctl.run(["preheat", imageName(stage, "nope"), "--plain-http"]);
  assert.equal(missing.code, 1);
  assert.match(missing.output, /^Job 2: FAILURE/);
  assert.match(missing.errors, /404/);
  const id = (await dfctl.output("preheat", imageName(stage), "--plain-http", "--detach", "--cluster", "cluster-1"))
    .trim();
  assert.equal(id, "3");
  assert.match(await dfctl.output("job", "wait", id), /^Job 3: SUCCESS/);
  assert.equal((await dfctl.json("job", "show", id)).state, "SUCCESS");
  const rows = (await dfctl.output("job", "list", "--type", "preheat")).trimEnd().split("\n");
  assert.deepEqual(rows.map((row) => row.split(/ +/).slice(0, 3).join(" ")), [
    ...["ID TYPE STATE", "3 preheat SUCCESS", "2 preheat FAILURE", "1 preheat SUCCESS"],
  ]);
  await dfctl.output("job", "delete", id);
  assert.equal((await dfctl.json("job", "list")).length, 2);
});

Deno.test("seed peers and schedulers are listed by the cluster that they serve", async () => {
  await using stage = await Stage.open({ nodes: ["seed"] });
  await using dfctl = await signedIn(stage);
  await dfctl.output("cluster", "create", "other");
  for (const [noun, hostname] of [["seed-peer", "seed"], ["scheduler", "scheduler"]] as const) {
    const [one, ...more] = await dfctl.json(noun, "list", "--cluster", "cluster-1", "--state", "active");
    assert.deepEqual([one.host_name, more], [hostname, []]);
    assert.match(await dfctl.output(noun, "list"), new RegExp(`^1 +${hostname} +127\\.`, "m"));
    assert.deepEqual(await dfctl.json(noun, "list", "--cluster", "other"), []);
  }
  assert.deepEqual(await dfctl.json("peer", "list"), [], "nobody has asked the scheduler yet");
  assert.match(await dfctl.output("peer", "sync"), /have reported their peers/);
  assert.match(await dfctl.output("peer", "list"), /^1 +seed +127\./m);
  const nobody = await dfctl.run(["peer", "sync", "--cluster", "other"]);
  assert.deepEqual([nobody.code, /schedulers not found/.test(nobody.errors)], [1, true], nobody.errors);
});

Deno.test("files make one job, and what cannot be preheated together is wrong before a job is made", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  const urls = image.layers.map(({ digest }) => `${stage.registry.url}/v2/${REPOSITORY}/blobs/${digest}`);
  const job = await dfctl.json("preheat", ...urls, "--description", "layers");
  assert.deepEqual([job.state, job.bio, job.args.type, job.args.urls], ["SUCCESS", "layers", "file", urls]);
  for (const args of [["alpine", "busybox"], ["alpine", ...urls], ["UPPER"], ["alpine", "--password-stdin"]]) {
    const { code, errors } = await dfctl.run(["preheat", ...args], { input: "x" });
    assert.deepEqual([code, /dfctl: /.test(errors)], [2, true], args.join(" "));
  }
  assert.equal((await dfctl.json("job", "list")).length, 1);
});

Deno.test("who is interrupted while a job runs learns that it goes on, and how to end it", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  const held = gate();
  stage.fault = ({ path }) =>
    path.includes("/blobs/") ? { kind: "hold", afterBytes: 0, until: held.opened } : undefined;
  const stop = new AbortController();
  const { code, errors } = await dfctl.run(["preheat", imageName(stage), "--plain-http"], {
    signal: stop.signal,
    onError: (text) => {
      if (text.includes("PENDING")) stop.abort(new DamselflyError("cancelled", "Stopped by SIGINT"));
    },
  });
  assert.deepEqual([code, errors], [
    130,
    "Job 1: PENDING, 0 done, 0 failed\n" +
    "Job 1 goes on: dfctl job wait 1 waits for it, dfctl job cancel 1 ends it.\n",
  ]);
  const late = await dfctl.run(["job", "wait", "1", "--timeout", "50ms"]);
  assert.deepEqual([late.code, /dfctl: Job 1 goes on/.test(late.errors)], [7, true], late.errors);
  held.open();
  assert.match(await dfctl.output("job", "wait", "1"), /^Job 1: SUCCESS/);
});

Deno.test("the tasks of a host are listed, shown and removed, and so are the hosts of its scheduler", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  await using dfctl = await Dfctl.open();
  const endpoint = ["-e", socketPathOf(stage.dir, "peer-1")];
  const scheduler = ["--scheduler-endpoint", `http://${formatHostPort(stage.scheduler.it)}`];
  assert.deepEqual(await dfctl.json("task", "ls", ...endpoint), []);
  await stage.node("peer-1").pull();
  const id = layer.digest.replace("sha256:", "");
  const tasks = await dfctl.json("task", "list", ...endpoint);
  assert.equal(tasks.length, image.layers.length + 3, "layers, config, manifest, index");
  assert.ok(tasks.some((task: { id: string }) => task.id === id));
  const table = await dfctl.output("task", "ls", ...endpoint, "-l", "info", "--console");
  assert.match(table, new RegExp(`^${id} +0.5 MiB +6.4 MiB `, "m"));
  const shown = await dfctl.json("task", "show", id, ...endpoint);
  assert.deepEqual([shown.content_length, shown.state, shown.digest], [layer.size, "Succeeded", layer.digest]);
  assert.equal(shown.piece_count, shown.finished_piece_count);
  await dfctl.output("task", "rm", id, ...endpoint);
  const twice = await dfctl.run(["task", "rm", id, ...endpoint]);
  assert.deepEqual([twice.code, /Cannot find task/.test(twice.errors)], [1, true], twice.errors);
  assert.deepEqual(await dfctl.json("persistent-cache-task", "ls", ...endpoint), []);
  assert.equal((await dfctl.run(["persistent-task", "ls", ...endpoint])).code, 1, "dfdaemon has none");

  const kept = await dfctl.json("gc", ...endpoint);
  assert.deepEqual([kept.removed_task_count, kept.used_bytes > 0, kept.free_bytes > 0], [0, true, true]);
  stage.node("peer-1").clock.forward(365 * 24 * 60 * 60_000);
  assert.match(await dfctl.output("gc", ...endpoint), /^Removed 5 tasks; 0 are used, .* of the volume free\.\n$/);

  const hosts = await dfctl.json("host", "list", ...scheduler);
  const names = hosts.map(({ hostname, type }: { hostname: string; type: string }) => `${hostname} ${type}`);
  assert.deepEqual(names, ["peer-1 normal", "seed super"]);
  assert.equal((await dfctl.json("host", "ls", "--type", "super", ...scheduler)).length, 1);
  const healthy = await dfctl.run(["health", ...endpoint, ...scheduler, "--json"]);
  assert.deepEqual(JSON.parse(healthy.output).map((row: { healthy: boolean }) => row.healthy), [true, true]);
  await stage.scheduler.stop();
  const sick = await dfctl.run(["health", ...endpoint, ...scheduler]);
  assert.equal(sick.code, 1);
  assert.match(sick.output, /^dfdaemon .* yes +-\nscheduler .* no +\S/m);
  assert.equal((await dfctl.run(["host", "list", ...scheduler])).code, 3);
  const nobody = await dfctl.run(["task", "ls", "-e", "/nowhere.sock"]);
  assert.deepEqual([
    nobody.code,
    /Cannot reach dfdaemon at \/nowhere.sock: there is no such socket/.test(nobody.errors),
  ], [3, true]);
});

Deno.test("a scheduler explains to whom it sent the peers of a blob, and why", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1", "peer-2"] });
  await using dfctl = await Dfctl.open();
  const scheduler = ["--scheduler-endpoint", `http://${formatHostPort(stage.scheduler.it)}`];
  await stage.node("peer-1").pull();
  await stage.node("peer-2").pull();
  const [task, ...others] = await dfctl.json("explain", layer.digest, ...scheduler);
  assert.deepEqual(others, []);
  assert.equal(task.task_id, layer.digest.replace("sha256:", ""));
  type Answer = { outcome: string; considered: { rejection: string | null; peer_id: string }[] };
  const withParents = task.answers.findLast(({ outcome }: Answer) => outcome === "from_parents");
  const parents = withParents.considered.filter(({ rejection }: Answer["considered"][number]) => rejection === null);
  assert.ok(parents.length >= 1);
  const text = await dfctl.output("explain", task.task_id, ...scheduler);
  assert.match(text, /^PEER +HOST +VERDICT +NEAR +SCORE +CHILDREN +SPEED$/m);
  assert.match(text, new RegExp(`^${parents[0].peer_id} .* parent `, "m"));
  assert.match(text, /: waits, for seed peer .* is asked to fetch the task$/m);
  const unknown = await dfctl.run(["explain", "nothing", ...scheduler]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.errors, /this scheduler knows no task of that name/);
});

Deno.test("a scheduler is asked for a preheat without a manager, in the words of Dragonfly's dfctl", async () => {
  await using stage = await Stage.open();
  await using dfctl = await Dfctl.open();
  const scheduler = ["--scheduler-endpoint", `http://${formatHostPort(stage.scheduler.it)}`];
  const done = await dfctl.run(["task", "preheat", `oci://${imageName(stage)}`, "--plain-http", ...scheduler]);
  assert.deepEqual([done.code, done.output], [0, "Preheat Succeeded!\n"], done.errors);
  assert.equal(stage.layerBytesSent(), layerBytes);
  const url = `${stage.registry.url}/v2/${REPOSITORY}/blobs/${layer.digest}`;
  const file = await dfctl.run(["task", "preheat", url, ...scheduler, "--scope", "all_peers", "-p", "3"]);
  assert.equal(file.code, 0, file.errors);
  const missing = await dfctl.run(["task", "preheat", imageName(stage, "nope"), "--plain-http", ...scheduler]);
  assert.notEqual(missing.code, 0);
  assert.match(missing.errors, /404/);
  for (const args of [[], ["--request-sdk", ...scheduler], ["--replicas", "3", ...scheduler]]) {
    assert.equal((await dfctl.run(["task", "preheat", url, ...args])).code, 2, args.join(" "));
  }
});

Deno.test("a job is cancelled, tried again, and then has done its work", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  const held = gate();
  stage.fault = ({ path }) =>
    path.includes("/blobs/") ? { kind: "hold", afterBytes: 0, until: held.opened } : undefined;
  const id = (await dfctl.output("preheat", imageName(stage), "--plain-http", "--detach")).trim();
  const early = await dfctl.run(["job", "retry", id]);
  assert.equal(early.code, 1);
  assert.equal((await dfctl.json("job", "cancel", id)).id, Number(id));
  const cancelled = await dfctl.run(["job", "wait", id]);
  assert.deepEqual([cancelled.code, /cancel/i.test(cancelled.errors)], [1, true], cancelled.errors);
  const twice = await dfctl.run(["job", "cancel", id]);
  assert.deepEqual([twice.code, /has ended/.test(twice.errors)], [1, true], twice.errors);
  held.open();
  await dfctl.output("job", "retry", id);
  assert.match(await dfctl.output("job", "wait", id), /: SUCCESS/);
});

Deno.test("who holds a task is shown, by its digest and by its URL, and it is removed from all of them", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  await dfctl.output("preheat", imageName(stage), "--plain-http", "--scope", "all_peers");
  const url = `${stage.registry.url}/v2/${REPOSITORY}/blobs/${layer.digest}`;
  for (const what of [layer.digest, layer.digest.replace("sha256:", ""), url]) {
    const rows = (await dfctl.output("task", "holders", what, "--cluster", "cluster-1")).trimEnd().split("\n").slice(1);
    const hosts = rows.map((row) => row.split(/ +/).filter((_, column) => [0, 2, 3, 4].includes(column)).join(" "));
    assert.deepEqual(hosts.toSorted(), ["peer-1 normal 1 yes", "peer-2 normal 1 yes", "seed super 1 yes"]);
  }
  assert.match(await dfctl.output("task", "purge", layer.digest), /: SUCCESS, 3 done, 0 failed/);
  assert.match(await dfctl.output("job", "list"), new RegExp(` ${layer.digest.replace("sha256:", "")}$`, "m"));
  const none = await dfctl.run(["task", "holders", url]);
  assert.deepEqual([none.code, none.output], [0, ""]);
  assert.match(none.errors, /^No host holds it\.$/m);
  assert.equal((await dfctl.json("task", "holders", url)).type, "get_task");
  for (const args of [["a b"], [layer.digest, "--tag", "t"]]) {
    assert.equal((await dfctl.run(["task", "purge", ...args])).code, 2, args.join(" "));
  }
});

Deno.test("who holds how much of an image is shown", async () => {
  await using stage = await Stage.open();
  await using dfctl = await signedIn(stage);
  const name = imageName(stage);
  const none = await dfctl.run(["image-distribution", name, "--plain-http"]);
  assert.deepEqual([none.code, none.errors], [0, "No peer holds any of it.\n"]);
  await dfctl.output("preheat", name, "--plain-http", "--scope", "all_peers");
  const table = await dfctl.output("image-distribution", name, "--plain-http", "--cluster", "1");
  const [head, ...rows] = table.trimEnd().split("\n");
  assert.match(head ?? "", /^HOSTNAME +IP +CLUSTER +LAYERS$/);
  assert.match(rows.toSorted().join("\n"), /^peer-1 .* 1 +5 of 5\npeer-2 .* 1 +5 of 5$/);
});
