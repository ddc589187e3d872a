import assert from "node:assert/strict";
import { warmImageInput } from "../store/warm_conformance_test.ts";
import { CONFIGS, type Rest, type SendOptions, startRest } from "./start_rest_test.ts";

const PATH = "/api/v1/warm-images";
const IMAGE = "https://registry.corp/v2/team/app/manifests/latest";
const ARGS = { type: "image", url: IMAGE };
const MINUTE_NS = 60e9;
const NEVER = "0001-01-01T00:00:00Z";

/** Declares a warm image. */
function declare(rest: Rest, body: Record<string, unknown>, options: SendOptions = {}): Promise<Response> {
  return rest.send("POST", PATH, { body: { name: "app", args: ARGS, ...body }, ...options });
}

Deno.test("a warm image is declared, shown, listed, changed and removed", async () => {
  await using rest = await startRest();
  const declared = await declare(rest, {
    ...{ cron: "0 2 * * *", time_zone: "Europe/Berlin", follow: 10 * MINUTE_NS, on_join: true, bio: "the app" },
    ...{ scheduler_cluster_ids: [1], args: { ...ARGS, scope: "all_peers", concurrent_count: 3 } },
  });
  assert.equal(declared.status, 200);
  const image = await declared.json();
  assert.deepEqual([image.id, image.name, image.bio, image.user_id, image.user.name], [1, "app", "the app", 1, "root"]);
  assert.deepEqual([image.cron, image.time_zone, image.follow, image.on_join, image.paused], [
    ...["0 2 * * *", "Europe/Berlin", 10 * MINUTE_NS, true, false],
  ]);
  assert.deepEqual([image.args, image.scheduler_cluster_ids], [
    ...[{ ...ARGS, scope: "all_peers", concurrent_task_count: 3 }, [1]],
  ]);
  assert.deepEqual(image.status, {
    ...{ job_id: 0, job_ids: [], last_run_at: NEVER, last_state: "", last_error: "", failures: 0, skipped: 0 },
    ...{ next_run_at: "2023-11-15T01:00:00.000Z", digest: "", warm_digest: "" },
    ...{ next_check_at: "2023-11-14T22:13:20.000Z", check_error: "", check_failures: 0 },
    hosts: { known: 0, warm: 0, failing: 0 },
  });
  assert.deepEqual(await rest.json("GET", `${PATH}/1`), image);
  assert.deepEqual(await rest.json("GET", `${PATH}?name=app`), [{
    ...image,
    status: { ...image.status, hosts: null },
  }]);
  assert.deepEqual(await rest.json("GET", `${PATH}?name=other`), []);

  const changed = await rest.json("PATCH", `${PATH}/1`, { body: { cron: "", follow: 0, paused: true, bio: "" } });
  assert.deepEqual([changed.cron, changed.follow, changed.on_join, changed.paused, changed.bio], [
    "",
    0,
    true,
    true,
    "",
  ]);
  assert.deepEqual([changed.args, changed.status.next_run_at, changed.status.next_check_at], [
    image.args,
    NEVER,
    NEVER,
  ]);
  assert.equal((await rest.send("DELETE", `${PATH}/1`)).status, 200);
  for (const method of ["GET", "DELETE"]) assert.equal((await rest.send(method, `${PATH}/1`)).status, 404);
  assert.equal((await rest.send("PATCH", `${PATH}/1`, { body: {} })).status, 404);
});

Deno.test("what would never do anything, or not what it says, is refused with the reason", async () => {
  await using rest = await startRest();
  const daily = { cron: "0 2 * * *" };
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /one of cron, follow and on_join is needed/],
    [{ cron: "0 2 * *" }, /Cannot read cron/],
    [{ cron: "0 0 31 2 *" }, /that time never comes/],
    [{ ...daily, time_zone: "Mars" }, /Cannot read time zone/],
    [{ follow: MINUTE_NS - 1e6 }, /one minute to 30 days/],
    [{ follow: 31 * 24 * 60 * MINUTE_NS }, /one minute to 30 days/],
    [{ follow: MINUTE_NS, args: { type: "file", url: "https://files.corp/a" } }, /of an image, by a tag/],
    [{ follow: MINUTE_NS, args: { ...ARGS, url: IMAGE.replace("latest", `sha256:${"0".repeat(64)}`) } }, /by a tag/],
    [{ follow: MINUTE_NS, args: { ...ARGS, url: "https://registry.corp/" } }, /by a tag/],
    [{ ...daily, args: {} }, /args/],
    [{ ...daily, args: { ...ARGS, scope: "moon" } }, /scope/],
    [{ ...daily, args: { ...ARGS, password: "******" } }, /give the secret itself/],
    [{ ...daily, name: "" }, /name/],
  ];
  for (const [body, message] of wrong) {
    const response = await declare(rest, body);
    assert.match(
      `${response.status} ${await response.text()}`,
      new RegExp(`^422 .*${message.source}`),
      JSON.stringify(body),
    );
  }
  assert.equal((await declare(rest, { ...daily, args: { ...ARGS, hdfs: {} } })).status, 501);
  assert.equal((await declare(rest, { ...daily, scheduler_cluster_ids: [9] })).status, 404);
  assert.equal((await declare(rest, daily)).status, 200);
  assert.equal((await declare(rest, daily)).status, 409, "its name is taken");
  assert.equal(
    (await rest.send("PATCH", `${PATH}/1`, { body: { cron: "" } })).status,
    422,
    "nothing would be left of it",
  );
  assert.equal((await rest.json("GET", `${PATH}/1`)).cron, daily.cron);
});

Deno.test("what is declared last is newer than all else, though the clock of another manager is ahead", async () => {
  await using rest = await startRest();
  const { warmImages } = rest.store;
  const aheadMs = rest.clock.wallMs() + 60 * 60_000;
  await declare(rest, { name: "first", on_join: true });
  await warmImages.update(1, { declaredAtMs: aheadMs });
  await declare(rest, { name: "second", on_join: true });
  await rest.send("PATCH", `${PATH}/1`, { body: { args: ARGS } });
  const [first, second] = await warmImages.all();
  assert.deepEqual([first?.declaredAtMs, second?.declaredAtMs], [aheadMs + 2, aheadMs + 1]);
});

Deno.test("secrets of a warm image are stored sealed and in no answer, and stay when it is renamed", async () => {
  await using rest = await startRest();
  const { store } = rest;
  const secrets = { username: "me", password: "hush1", headers: { Authorization: "Bearer hush2" } };
  const args = { ...ARGS, ...secrets, url: "https://me:hush3@registry.corp/v2/team/app/manifests/latest" };
  const answers = [await (await declare(rest, { cron: "0 2 * * *", args })).text()];
  const before = await store.warmImages.get(1);
  answers.push(await (await rest.send("PATCH", `${PATH}/1`, { body: { name: "renamed" } })).text());
  answers.push(JSON.stringify(await rest.json("GET", PATH)), JSON.stringify(await store.warmImages.get(1)));
  for (const text of answers) assert.ok(!/hush/.test(text), text);
  const after = await store.warmImages.get(1);
  assert.deepEqual([after?.name, after?.args, after?.runAtMs], ["renamed", before?.args, before?.runAtMs]);
  assert.deepEqual(rest.warmArgs.open(after!), args);
  assert.throws(() => rest.warmArgs.open({ ...after!, name: "app" }), /Cannot open what was sealed/);
  await rest.send("PATCH", `${PATH}/1`, { body: { args: ARGS } });
  assert.deepEqual(rest.warmArgs.open((await store.warmImages.get(1))!), ARGS);
});

Deno.test("a rename does not write over arguments that somebody else gave meanwhile", async () => {
  await using rest = await startRest();
  const { warmImages } = rest.store;
  await declare(rest, { on_join: true });
  const newer = { ...ARGS, tag: "other" };
  const change = warmImages.change.bind(warmImages);
  warmImages.change = async (id, decide) => {
    await change(id, () => rest.warmArgs.stored("app", newer));
    return await change(id, decide);
  };
  const refused = await rest.send("PATCH", `${PATH}/1`, { body: { name: "renamed" } });
  assert.match(`${refused.status} ${await refused.text()}`, /^409 .*somebody else changed its arguments/);
  assert.deepEqual(rest.warmArgs.open((await warmImages.get(1))!), newer);
});

Deno.test("new arguments begin anew, and what else is changed leaves a run that waits as it is", async () => {
  await using rest = await startRest();
  const { store, clock } = rest;
  await declare(rest, { cron: "0 2 * * *", follow: MINUTE_NS });
  const soon = clock.wallMs() + 5;
  await store.warmImages.change(1, () => ({ runAtMs: soon, dueAtMs: soon, seenDigest: "sha256:1", runFailures: 2 }));
  await rest.json("PATCH", `${PATH}/1`, {
    body: { bio: "x", name: "b", cron: "0 2 * * *", scheduler_cluster_ids: [] },
  });
  const same = await store.warmImages.get(1);
  assert.deepEqual([same?.runAtMs, same?.seenDigest, same?.runFailures], [soon, "sha256:1", 2]);
  await rest.json("PATCH", `${PATH}/1`, { body: { args: ARGS } });
  const anew = await store.warmImages.get(1);
  assert.deepEqual([anew?.checkAtMs, anew?.seenDigest, anew?.runFailures], [clock.wallMs(), "", 0]);
  assert.ok((anew?.runAtMs ?? 0) > soon);
});

Deno.test("a warm image is run at once when somebody says so, unless it runs or is paused", async () => {
  await using rest = await startRest();
  const { store, clock } = rest;
  await declare(rest, { cron: "0 2 * * *" });
  const shown = await rest.json("POST", `${PATH}/1/run`);
  assert.equal(Date.parse(shown.status.next_run_at), clock.wallMs());
  assert.deepEqual((await store.warmImages.due(clock.wallMs(), 10)).map(({ id }) => id), [1]);
  await store.warmImages.update(1, { jobId: 7 });
  assert.match(await (await rest.send("POST", `${PATH}/1/run`)).text(), /its job 7 runs/);
  await store.warmImages.update(1, { jobId: 0, isPaused: true });
  assert.match(await (await rest.send("POST", `${PATH}/1/run`)).text(), /it is paused/);
  assert.equal((await rest.send("POST", `${PATH}/9/run`)).status, 404);
});

Deno.test("who may read jobs may read warm images, who may order them may declare them, and so may a token for jobs", async () => {
  await using rest = await startRest();
  await declare(rest, { on_join: true });
  const { token, user } = await rest.guest();
  assert.equal((await rest.send("GET", PATH, { token })).status, 200);
  const body = { name: "other", args: ARGS, on_join: true };
  assert.match(await (await rest.send("POST", PATH, { token, body })).text(), /permission deny/);
  const role = { role: "warmer", permissions: [{ object: "jobs", action: "*" }] };
  await rest.send("POST", "/api/v1/roles", { body: role });
  await rest.send("PUT", `/api/v1/users/${user.id}/roles/warmer`);
  assert.equal((await rest.json("POST", PATH, { token, body })).user_id, user.id);
  const tokenFor = async (scope: string) => {
    const creation = { name: scope, user_id: 1, expired_at: "2100-01-01T00:00:00Z", scopes: [scope] };
    return (await rest.json("POST", "/api/v1/personal-access-tokens", { body: creation })).token;
  };
  const oapi = "/oapi/v1/warm-images";
  assert.equal((await rest.json("GET", oapi, { token: await tokenFor("job") })).length, 2);
  assert.equal((await rest.send("GET", oapi, { token: await tokenFor("cluster") })).status, 403);
});

Deno.test("there are a thousand warm images at most", async () => {
  await using rest = await startRest();
  for (let n = 0; n < 1_000; n++) await rest.store.warmImages.create(warmImageInput({ name: `app-${n}` }));
  const refused = await declare(rest, { on_join: true });
  assert.match(`${refused.status} ${await refused.text()}`, /^429 .*there are 1000 already/);
});

Deno.test("a warm image goes with its only cluster, and shows how many of its hosts have it", async () => {
  await using rest = await startRest();
  const { store, clock } = rest;
  const { id: clusterId } = await rest.json("POST", "/api/v1/clusters", { body: { name: "b", ...CONFIGS } });
  const { id } = await (await declare(rest, { on_join: true, scheduler_cluster_ids: [clusterId] })).json();
  const times = { failures: 0, error: "", nextAtMs: 0, missingSinceMs: 0 };
  const host = (n: number) => ({ clusterId, hostname: `node-${n}`, ip: `10.0.0.${n}`, ...times });
  const added = [
    ...[{ ...host(1), warmedAtMs: clock.wallMs() }, { ...host(2), warmedAtMs: 0 }],
    { ...host(3), warmedAtMs: 0, failures: 1 },
  ];
  await store.warmHosts.change(clusterId, () => ({ added, changed: [], removed: [] }));
  assert.deepEqual((await rest.json("GET", `${PATH}/${id}`)).status.hosts, { known: 3, warm: 1, failing: 1 });
  assert.equal((await rest.send("DELETE", `/api/v1/clusters/${clusterId}`)).status, 200);
  assert.equal((await rest.send("GET", `${PATH}/${id}`)).status, 404);
});
