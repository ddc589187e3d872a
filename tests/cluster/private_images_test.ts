/** Promise P3: what is in the cache is served to those only who could fetch it from the registry (design §2). */
import assert from "node:assert/strict";
import { parseChallenge } from "../../src/oci/challenge.ts";
import type { RegistryLogin } from "../../src/oci/sample_registry_auth.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { drain, image, layer, layerBytes, REPOSITORY, Stage } from "./stage.ts";

const LEASE_MS = 60_000;
const ada = { username: "ada", password: "lovelace" };
const bob = { username: "bob", password: "babbage" };
const stranger = { username: "eve", password: "drop" };
const LOGINS: readonly RegistryLogin[] = [
  { kind: "basic", account: ada, guest: bob },
  { kind: "bearer", random: seededRandom(7), account: ada, guest: bob },
];

function basic({ username, password }: typeof ada): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

async function statusOf(response: Response): Promise<number> {
  await response.body?.cancel();
  return response.status;
}

/** A stage on which everything is in the caches of `seed` and `peer-1`, because somebody with the right pulled it. */
async function openHot(login: RegistryLogin): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const settings = { "proxy.accessLeaseTtl": `${LEASE_MS}ms` };
  const stage = stack.use(await Stage.open({ registry: { login }, settings }));
  await stage.node("peer-1").pull(ada);
  assert.equal(stage.layerBytesSent(), layerBytes);
  stack.move();
  return stage;
}

/** What a container runtime sends for an account: the answer to the registry's challenge. */
async function authorizationOf(stage: Stage, login: RegistryLogin, account: typeof ada): Promise<string> {
  if (login.kind === "basic") return basic(account);
  const refused = await stage.node("peer-1").blob();
  await refused.body?.cancel();
  const challenge = parseChallenge(refused.headers.get("www-authenticate"));
  assert.ok(challenge?.scheme === "bearer");
  const url = `${challenge.realm}?scope=repository:${REPOSITORY}:pull`;
  const answer = await fetch(url, { headers: { authorization: basic(account) } });
  if (!answer.ok) return await answer.body?.cancel().then(() => "Bearer none") ?? "";
  return `Bearer ${(await answer.json() as { token: string }).token}`;
}

for (const login of LOGINS) {
  Deno.test(`${login.kind}: a cached blob is refused to those who have no right to it, and costs them nothing`, async () => {
    await using stage = await openHot(login);
    for (const name of ["peer-1", "peer-2"]) {
      const node = stage.node(name);
      assert.equal(await statusOf(await node.blob()), 401);
      for (const account of [bob, stranger]) {
        const authorization = await authorizationOf(stage, login, account);
        const status = await statusOf(await node.blob({ authorization }));
        assert.ok(status === 401 || status === 403, `${account.username} got ${status}`);
        await assert.rejects(node.pull(account));
      }
    }
    assert.equal(stage.layerBytesSent(), layerBytes);
    assert.equal(stage.node("peer-2").traffic.remotePeer, 0, "bytes came for somebody without a right to them");
  });

  Deno.test(`${login.kind}: who has the right gets a cached blob without any byte from the registry`, async () => {
    await using stage = await openHot(login);
    assert.equal((await stage.node("peer-2").pull(ada)).digest, image.index.digest);
    assert.equal((await stage.node("peer-1").pull(ada)).digest, image.index.digest);
    assert.equal(stage.layerBytesSent(), layerBytes);
  });

  Deno.test(`${login.kind}: during an outage of the registry a live lease serves, nothing else does`, async () => {
    await using stage = await openHot(login);
    const node = stage.node("peer-1");
    const authorization = await authorizationOf(stage, login, ada);
    await drain(await node.blob({ authorization }));
    stage.fault = () => ({ kind: "status", status: 503 });
    const served = await drain(await node.blob({ authorization }));
    assert.deepEqual([served.isComplete, served.bytes.length], [true, layer.size]);

    // Where the registry has asked for a password before, we ask for it in its place: see manifests_test.ts.
    const unsaid = await statusOf(await node.blob());
    assert.ok(unsaid === (login.kind === "basic" ? 401 : 502) || unsaid === 503, `a stranger got ${unsaid}`);
    assert.ok(await statusOf(await stage.node("peer-2").blob({ authorization })) >= 500, "another host has no lease");
    node.clock.forward(LEASE_MS);
    assert.ok(await statusOf(await node.blob({ authorization })) >= 500, "the lease has no end");
  });

  Deno.test(`${login.kind}: a lease is for one subject, repository and digest, and ends`, async () => {
    await using stage = await openHot(login);
    const node = stage.node("peer-2");
    const authorization = await authorizationOf(stage, login, ada);
    const heads = () => stage.registry.requests.filter(({ method }) => method === "HEAD").length;
    await drain(await node.blob({ authorization }));
    const before = heads();
    await drain(await node.blob({ authorization }));
    await drain(await node.blob({ authorization, range: "bytes=5-9" }));
    assert.equal(heads(), before, "a live lease asks nobody");
    await drain(await node.blob({ authorization }, image.layers[1]?.digest));
    assert.equal(heads(), before + 1);
    node.clock.forward(LEASE_MS);
    await drain(await node.blob({ authorization }));
    assert.equal(heads(), before + 2);
  });
}

Deno.test("a right that the registry takes back ends with the lease", async () => {
  const [login] = LOGINS;
  assert.ok(login);
  await using stage = await openHot(login);
  const node = stage.node("peer-1");
  const authorization = basic(ada);
  await drain(await node.blob({ authorization }));
  stage.fault = () => ({ kind: "status", status: 403 });
  assert.equal(await statusOf(await node.blob({ authorization })), 200);
  node.clock.forward(LEASE_MS);
  assert.equal(await statusOf(await node.blob({ authorization })), 403);
});

Deno.test("credentials are neither logged nor stored", async () => {
  const [login] = LOGINS;
  assert.ok(login);
  await using stage = await openHot(login);
  const secrets = [ada.password, basic(ada).slice("Basic ".length)];
  for (const name of ["seed", "peer-1"]) {
    const node = stage.node(name);
    const logged = JSON.stringify(node.runtime?.log.lines);
    await node.stop();
    const stored = await readAll(node.dir);
    for (const secret of secrets) {
      assert.ok(!logged.includes(secret), `${name} logged a credential`);
      assert.ok(!stored.includes(secret), `${name} stored a credential`);
    }
  }
});

/** All bytes of the files below a folder. */
async function readAll(dir: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) parts.push(await readAll(path));
    if (isFile) parts.push(await Deno.readFile(path));
  }
  return Buffer.concat(parts);
}
