import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { realClock } from "../../runtime/clock.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { BLOB, BLOB_PATH, bytesOf, CHALLENGE, DIGEST, MANIFEST, setup, startRegistry } from "./harness_test.ts";

Deno.test("a blob comes whole, with its digest, length and type", async () => {
  await using it = setup();
  const response = await it.ask(BLOB_PATH);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("docker-content-digest"), DIGEST);
  assert.equal(response.headers.get("content-length"), String(BLOB.length));
  assert.equal(response.headers.get("content-type"), "application/vnd.oci.image.layer.v1.tar+gzip");
  assert.equal(response.headers.get("x-dragonfly-task-id"), DIGEST.slice("sha256:".length));
  assert.equal(response.headers.get("x-dragonfly-server-ip"), "192.0.2.7");
  assert.deepEqual(await bytesOf(response), BLOB);
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("the task id of a blob is its digest or goes by its URL, as the header says, else as configured", async () => {
  const header = "x-dragonfly-enable-task-id-based-blob-digest";
  const cases = [[true, {}, true], [false, {}, false], [true, "false", false], [false, "True", true], [
    true,
    "?",
    true,
  ]];
  for (const [configured, said, byDigest] of cases) {
    await using it = setup({}, realClock(), configured === true);
    const headers = typeof said === "string" ? { [header]: said } : {};
    const response = await it.ask(BLOB_PATH, { headers });
    await response.body?.cancel();
    const url = `${it.registry.origin}${BLOB_PATH}`;
    const [request] = it.tasks.requests;
    assert.equal(request?.taskId, taskIdOf({ url, byBlobDigest: byDigest === true }));
    assert.equal(request?.taskId === DIGEST.slice("sha256:".length), byDigest);
    assert.equal(request?.isBlobDigestTaskId, byDigest);
    assert.equal(request?.digest?.text, DIGEST, "it is verified in either case");
  }
});

Deno.test("a range is answered with 206 and exactly its bytes, a range past the end as by the stock proxy", async () => {
  await using it = setup();
  const part = await it.ask(BLOB_PATH, { headers: { range: "bytes=99990-" } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get("content-range"), "bytes 99990-99999/100000");
  assert.deepEqual(await bytesOf(part), BLOB.subarray(99_990));
  const past = await it.ask(BLOB_PATH, { headers: { range: "bytes=100000-" } });
  assert.deepEqual([past.status, past.headers.get("x-dragonfly-error-type")], [500, "dfdaemon"]);
  assert.equal(past.headers.get("content-range"), "bytes */100000");
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("of several ranges the first one is answered, as by the stock proxy", async () => {
  await using it = setup();
  const response = await it.ask(BLOB_PATH, { headers: { range: "bytes=10-19,30-39" } });
  assert.deepEqual([response.status, response.headers.get("content-range")], [206, "bytes 10-19/100000"]);
  assert.deepEqual(await bytesOf(response), BLOB.subarray(10, 20));
});

Deno.test("a range that is only wanted of another version is not given", async () => {
  await using it = setup();
  it.tasks.responseHeaders = { "etag": '"v1"', "last-modified": "Sat, 21 Nov 2026 12:00:00 GMT" };
  const statusOf = async (condition: string) => {
    const response = await it.ask(BLOB_PATH, { headers: { "range": "bytes=5-9", "if-range": condition } });
    return [response.status, (await bytesOf(response)).length];
  };
  for (const same of ['"v1"', "Sat, 21 Nov 2026 12:00:00 GMT"]) assert.deepEqual(await statusOf(same), [206, 5]);
  for (const other of ['"v2"', 'W/"v1"', "Sat, 21 Nov 2026 12:00:01 GMT", "nonsense"]) {
    assert.deepEqual(await statusOf(other), [200, BLOB.length], other);
  }
});

Deno.test("who asks from another host gets nothing from addresses of this one", async () => {
  await using it = setup();
  const headers = { "x-dragonfly-registry": it.registry.origin };
  await (await it.ask(BLOB_PATH, { headers })).body?.cancel();
  const asked = it.registry.seen.length;
  for (const path of [BLOB_PATH, "/v2/team/app/manifests/v1"]) {
    const refused = await it.ask(path, { headers }, "192.0.2.9");
    assert.deepEqual([refused.status, refused.headers.get("x-dragonfly-error-type")], [403, "proxy"]);
  }
  assert.equal(it.registry.seen.length, asked, "and nothing that was let to a process of this host");
});

Deno.test("a registry that the path names is asked for the repository behind it, and a blob is the same task", async () => {
  await using it = setup();
  const manifest = await it.ask("/v2/reg.corp__5000/team/app/manifests/v1");
  assert.equal(await manifest.text(), MANIFEST);
  assert.equal(it.registry.seen[0]?.url.pathname, "/v2/team/app/manifests/v1");
  const blob = await it.ask(BLOB_PATH.replace("/v2/", "/v2/reg.corp__5000/"));
  assert.deepEqual(await bytesOf(blob), BLOB);
  const [task] = it.tasks.requests;
  assert.equal(task?.source.url, it.registry.origin + BLOB_PATH);
  assert.equal(task?.taskId, DIGEST.slice("sha256:".length));
});

Deno.test("CRI-O and Podman get a token for the registry that the path names, and are let in with it", async () => {
  const authorization = `Basic ${btoa("user:password")}`;
  await using it = setup({
    authorization,
    answer: ({ url, headers }) =>
      new URL(url).pathname === "/v2/" && headers.get("authorization") === null
        ? new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } })
        : undefined,
  });
  const podman = { "user-agent": "libpod/4.3.1" };
  const ping = await it.ask("/v2/", { headers: podman });
  const [, realm = ""] = /realm="http:\/\/127\.0\.0\.1:4001([^"]+)"/.exec(ping.headers.get("www-authenticate") ?? "") ??
    [];
  assert.equal(it.registry.seen.length, 0, "one registry's challenge would be wrong for the others");
  const scope = encodeURIComponent("repository:reg.corp__5000/team/app:pull");
  const answer = await it.ask(`${realm}?scope=${scope}`, { headers: { ...podman, authorization } });
  const { token } = await answer.json() as { token: string };
  const headers = { ...podman, authorization: `Bearer ${token}` };
  assert.deepEqual(await bytesOf(await it.ask(BLOB_PATH.replace("/v2/", "/v2/reg.corp__5000/"), { headers })), BLOB);
  assert.equal(it.tasks.requests[0]?.source.headers["authorization"], authorization);
});

Deno.test("who has no login for the mirror goes past the swarm, and the log says which command mends it", async () => {
  await using it = setup({ authorization: "Basic x" });
  const refused = await it.ask("/v2/reg.corp__5000/team/app/manifests/v1");
  assert.equal(refused.status, 401);
  await refused.body?.cancel();
  assert.match(
    JSON.stringify(it.runtime.log.lines),
    /podman login --tls-verify=false 127\.0\.0\.1:4001\/reg\.corp__5000/,
  );
  it.runtime.log.lines.length = 0;
  await (await it.ask("/v2/team/app/manifests/v1")).body?.cancel();
  assert.deepEqual(it.runtime.log.lines, [], "containerd answers the challenge that it gets");
});

Deno.test("a header that changes nothing is warned about once", async () => {
  await using it = setup();
  for (let time = 0; time < 2; time++) {
    await (await it.ask(BLOB_PATH, { headers: { "x-dragonfly-force-hard-link": "true" } })).body?.cancel();
  }
  assert.equal(it.runtime.log.lines.filter(({ message }) => message.includes("no effect")).length, 1);
});

Deno.test("HEAD of a blob tells its length and opens no task", async () => {
  await using it = setup();
  const response = await it.ask(BLOB_PATH, { method: "HEAD" });
  assert.equal(response.headers.get("content-length"), String(BLOB.length));
  assert.equal(it.tasks.requests.length, 0);
});

Deno.test("a cached blob is not served to a requester whom the registry refuses, and the challenge comes back", async () => {
  await using it = setup({ authorization: "Bearer good" });
  assert.equal((await it.ask(BLOB_PATH, { headers: { authorization: "Bearer good" } })).status, 200);
  for (const headers of [{}, { authorization: "Bearer bad" }]) {
    const refused = await it.ask(BLOB_PATH, { headers });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("www-authenticate"), CHALLENGE);
    assert.equal(refused.headers.get("x-dragonfly-error-type"), "backend");
    assert.equal(await refused.text(), "");
  }
  assert.equal(it.tasks.requests.length, 1);
});

Deno.test("a right that was checked is not checked again while the lease lives", async () => {
  await using it = setup({ authorization: "Bearer good" });
  for (let i = 0; i < 3; i++) {
    await (await it.ask(BLOB_PATH, { headers: { authorization: "Bearer good" } })).body?.cancel();
  }
  assert.equal(it.registry.seen.length, 1);
  assert.equal(it.registry.seen[0]?.method, "HEAD");
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("manifests pass through, with credentials and Accept, and without what is ours", async () => {
  await using it = setup({ authorization: "Basic abc" });
  const response = await it.ask("/v2/team/app/manifests/1.0?ns=ignored.example", {
    headers: { "authorization": "Basic abc", "accept": "x/y", "x-dragonfly-registry": it.registry.origin, "host": "m" },
  });
  assert.equal(await response.text(), MANIFEST);
  assert.equal(response.headers.get("content-type"), "application/vnd.oci.image.index.v1+json");
  const [seen] = it.registry.seen;
  assert.equal(seen?.url.search, "");
  assert.equal(seen?.headers.get("accept"), "x/y");
  assert.equal(seen?.headers.has("x-dragonfly-registry"), false);
});

Deno.test("HEAD of a manifest keeps the length, which containerd needs to resolve a tag", async () => {
  await using it = setup();
  const response = await it.ask("/v2/team/app/manifests/1.0", { method: "HEAD" });
  assert.equal(response.headers.get("content-length"), String(MANIFEST.length));
});

Deno.test("a 401 of a manifest passes through untouched", async () => {
  await using it = setup({ authorization: "Bearer good" });
  const response = await it.ask("/v2/team/app/manifests/1.0");
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("www-authenticate"), CHALLENGE);
  assert.match(await response.text(), /UNAUTHORIZED/);
});

Deno.test("a manifest that stops half-way is cut short after a limited silence", async () => {
  const clock = new VirtualClock();
  let hasLeft = false;
  const stalled = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
      cancel: () => void (hasLeft = true),
    });
  await using it = setup({ answer: () => new Response(stalled()) }, clock);
  const reader = (await it.ask("/v2/team/app/manifests/1.0")).body?.getReader();
  assert.equal((await reader?.read())?.value?.length, 1);
  const rest = assert.rejects(Promise.resolve(reader?.read()), /no byte came for 30000 ms/);
  await clock.advance(30_000);
  await rest;
  await it.registry.stop();
  assert.ok(hasLeft);
});

Deno.test("a challenge of another origin, to which a manifest was redirected, does not reach the requester", async () => {
  await using other = startRegistry({ authorization: "Bearer for the other" });
  await using it = setup({
    answer: () => new Response(null, { status: 307, headers: { location: `${other.origin}/v2/x/manifests/1` } }),
  });
  const response = await it.ask("/v2/team/app/manifests/1.0");
  assert.equal(response.status, 401);
  assert.equal(response.headers.has("www-authenticate"), false);
  assert.match(await response.text(), /UNAUTHORIZED/);
});

Deno.test("a blob that the registry does not have is a 404, as without us", async () => {
  await using it = setup();
  const response = await it.ask(`/v2/team/app/blobs/sha256:${"0".repeat(64)}`);
  assert.equal(response.status, 404);
  await response.body?.cancel();
});

Deno.test("429 stays 429 with Retry-After, and what a runtime repeats at once does not reach the registry", async () => {
  await using it = setup({
    answer: () => new Response(null, { status: 429, headers: { "retry-after": "7" } }),
  });
  for (let n = 0; n < 5; n++) {
    const response = await it.ask(BLOB_PATH);
    assert.deepEqual([response.status, response.headers.get("retry-after")], [429, "7"]);
    assert.equal(response.headers.get("x-dragonfly-error-type"), "backend");
  }
  assert.equal(it.registry.seen.length, 1);
});

Deno.test("what ends a task before its first byte is the answer: the source's own status, and never a 200", async () => {
  await using it = setup();
  const details = { status: 500, headers: { "retry-after": "3" }, body: new TextEncoder().encode("sorry") };
  const error = new DamselflyError("source_error", "Cannot fetch: the source answered 500", { details });
  it.tasks.failAfter = { bytes: 0, error };
  const response = await it.ask(BLOB_PATH);
  assert.deepEqual([response.status, response.headers.get("retry-after")], [500, "3"]);
  assert.equal(await response.text(), "sorry");
  it.tasks.failAfter = { bytes: 0, error: new DamselflyError("data_loss", "Cannot seal: digest mismatch") };
  const wrong = await it.ask(BLOB_PATH);
  assert.equal(wrong.status, 503);
  await wrong.body?.cancel();
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("the head waits for the first byte, but not longer than container runtimes wait for it", async () => {
  const clock = new VirtualClock();
  await using it = setup({}, clock);
  const gate = Promise.withResolvers<void>();
  it.tasks.begins = gate.promise;
  let isAnswered = false;
  const asked = it.ask(BLOB_PATH).finally(() => isAnswered = true);
  while (clock.pendingTimers === 0 || it.tasks.openHandles === 0) await clock.advance(0);
  await clock.advance(24_999);
  assert.equal(isAnswered, false);
  await clock.advance(1);
  const response = await asked;
  assert.equal(response.status, 200);
  gate.resolve();
  assert.deepEqual(await bytesOf(response), BLOB);
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("a requester who leaves before the first byte lets the task go", async () => {
  await using it = setup();
  it.tasks.begins = new Promise(() => {});
  const leave = new AbortController();
  const asked = it.ask(BLOB_PATH, {}, "127.0.0.1", leave.signal);
  while (it.tasks.openHandles === 0) await settle();
  leave.abort(new Error("left"));
  assert.equal((await asked).status, 503);
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("a registry that cannot be reached is a 502 that says so", async () => {
  const it = setup();
  await it.registry.stop();
  const response = await it.ask(BLOB_PATH);
  assert.equal(response.status, 502);
  assert.equal(response.headers.get("x-dragonfly-error-type"), "backend");
  assert.match(await response.text(), /cannot be reached/);
  const { host } = new URL(it.registry.origin);
  const labels = { registry: host, reason: "unreachable" };
  assert.equal(it.runtime.metrics.value("damselfly_client_fallback_total", labels), 1);
});

Deno.test("what a registry answers itself, and a requester who leaves, is no fallback", async () => {
  await using it = setup({ answer: () => new Response(null, { status: 500 }) });
  await (await it.ask(BLOB_PATH)).body?.cancel();
  await (await it.ask(BLOB_PATH, {}, "127.0.0.1", AbortSignal.abort(new Error("left")))).body?.cancel();
  assert.doesNotMatch(JSON.stringify(it.runtime.log.lines), /past the swarm/);
});

Deno.test("when we cannot have the task the blob comes straight from the registry", async () => {
  await using it = setup();
  it.tasks.failure = new DamselflyError("no_space", "Cannot store the task: the disk is full");
  const response = await it.ask(BLOB_PATH, { headers: { range: "bytes=10-19" } });
  assert.equal(response.status, 206);
  assert.deepEqual(await bytesOf(response), BLOB.subarray(10, 20));
});

Deno.test("a task that fails by our fault half-way is finished from the registry, byte for byte", async () => {
  await using it = setup();
  it.tasks.failAfter = { bytes: 33_333, error: new DamselflyError("internal", "Cannot write: EIO") };
  assert.deepEqual(await bytesOf(await it.ask(BLOB_PATH)), BLOB);
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("a blob whose digest does not match is cut short, never finished", async () => {
  await using it = setup();
  it.tasks.failAfter = { bytes: 50_000, error: new DamselflyError("data_loss", "Cannot seal: digest mismatch") };
  await assert.rejects(bytesOf(await it.ask(BLOB_PATH)), /digest mismatch/);
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("a requester who leaves half-way leaves the task", async () => {
  await using it = setup();
  const response = await it.ask(BLOB_PATH);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  assert.equal(it.tasks.openHandles, 0);
});

Deno.test("the mirror is read-only, and serves nothing but the registry API", async () => {
  await using it = setup();
  assert.equal((await it.ask(BLOB_PATH, { method: "DELETE" })).status, 405);
  assert.equal((await it.ask("/etc/passwd")).status, 404);
  assert.equal((await it.ask("/v2/a/../../b/manifests/x")).status, 404);
  assert.equal(it.registry.seen.length, 0);
});

Deno.test("no credential is logged, whatever goes wrong", async () => {
  await using it = setup({ authorization: "Bearer other" });
  it.tasks.failure = new DamselflyError("internal", "broken");
  await (await it.ask(`${BLOB_PATH}?ns=x%20y`, { headers: { authorization: "Bearer secret-token" } })).text();
  await (await it.ask(BLOB_PATH, { headers: { authorization: "Bearer secret-token" } })).text();
  assert.ok(it.runtime.log.lines.length > 0);
  assert.doesNotMatch(JSON.stringify(it.runtime.log.lines), /secret-token/);
});

Deno.test("a requester who leaves is nothing to warn of, however often", async () => {
  await using mirror = setup();
  for (const take of [0, 1]) {
    const reader = (await mirror.ask(BLOB_PATH)).body?.getReader();
    for (let n = 0; n < take; n++) await reader?.read();
    const pending = reader?.read();
    await reader?.cancel();
    await pending;
  }
  assert.equal(mirror.tasks.openHandles, 0);
  assert.deepEqual(mirror.runtime.log.lines.filter(({ level }) => level === "warn"), []);
});

Deno.test("a right that was proved by another header than Authorization is nobody else's either", async () => {
  const answer = (request: Request) =>
    request.headers.get("cookie") === "session=1" || request.headers.get("x-jfrog-art-api") === "key"
      ? undefined
      : new Response("", { status: 403 });
  await using mirror = setup({ answer });
  for (const headers of [{ cookie: "session=1" }, { "x-jfrog-art-api": "key" }]) {
    assert.deepEqual(await bytesOf(await mirror.ask(BLOB_PATH, { headers })), BLOB);
    const refused = await mirror.ask(BLOB_PATH);
    assert.deepEqual([refused.status, await refused.text()], [403, ""]);
  }
});

Deno.test("a condition on the requester's own copy is not one for the blob", async () => {
  const answer = (request: Request) =>
    request.headers.has("if-none-match") ? new Response(null, { status: 304 }) : undefined;
  await using mirror = setup({ answer });
  const response = await mirror.ask(BLOB_PATH, { headers: { "if-none-match": '"e"', "if-range": '"e"' } });
  assert.equal(response.status, 200);
  assert.deepEqual(await bytesOf(response), BLOB);
  assert.deepEqual(mirror.tasks.requests.flatMap(({ source }) => Object.keys(source.headers)), []);
});

Deno.test("an answer of the registry that is neither content nor refusal is a 502", async () => {
  for (const status of [204, 304]) {
    await using mirror = setup({ answer: () => new Response(null, { status }) });
    assert.equal((await mirror.ask(BLOB_PATH)).status, 502);
  }
});

Deno.test("a task of another length than the requester's own registry states is not what he asked for", async () => {
  const answer = (request: Request) =>
    new Response(request.method === "HEAD" ? null : "seven b", { headers: { "content-length": "7" } });
  await using mirror = setup({ answer });
  const response = await mirror.ask(BLOB_PATH);
  assert.equal(response.headers.get("content-length"), "7");
  assert.equal(await response.text(), "seven b");
  assert.equal(mirror.tasks.openHandles, 0);
});
