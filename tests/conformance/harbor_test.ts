/** Harbor orders preheats of a real manager, which a real scheduler, seed peer and peers carry out (manager-rest.md §5). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { formatHostPort } from "../../src/config/addresses.ts";
import type { RegistryLogin } from "../../src/oci/sample_registry_auth.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { openTlsFiles, type TlsFiles } from "../../src/runtime/tls_files.ts";
import { MemoryLog } from "../../src/testing/memory_log.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { documentBytes, image, layerBytes, type Node, REPOSITORY, Stage, type StageOptions } from "../cluster/stage.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { Harbor, HarborError, type HarborInstance } from "./harbor.ts";

const LOCAL = "127.0.0.1";
const ACCOUNT = { username: "robot$preheat", password: "lovelace" };
const MANAGER_TLS = testCertificates("a");
const REGISTRY_TLS = testCertificates("b");
const authority = readFileSync(MANAGER_TLS.caCert, "utf8");
/** Configs of both architectures, and the layers: Harbor names no platform. */
const ALL_BLOBS = image.blobs.length;
const FOREVER = "2100-01-01T00:00:00Z";

/** A stage whose manager is served in TLS, with a registry that is too, and Harbor beside it. */
class HarborStage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;

  private constructor(readonly stage: Stage, stack: AsyncDisposableStack, readonly root: Harbor) {
    this.#stack = stack;
  }

  /** `login` is how the registry lets requesters in; peers trust its authority by `job.preheat.tls.caCert` alone. */
  static async open(
    { login, ...options }: StageOptions & { readonly login: RegistryLogin },
  ): Promise<HarborStage> {
    await using stack = new AsyncDisposableStack();
    const tls = stack.use(await certificate(REGISTRY_TLS));
    const stage = stack.use(
      await Stage.open({
        registry: { login, tls },
        ...options,
        managerSettings: {
          "server.rest.addr": `${LOCAL}:0`,
          "server.rest.tls.cert": MANAGER_TLS.cert,
          "server.rest.tls.key": MANAGER_TLS.key,
          "job.preheat.tls.caCert": REGISTRY_TLS.caCert,
          ...options.managerSettings,
        },
      }),
    );
    const endpoint = `https://${formatHostPort(stage.manager.it.rest)}`;
    using nobody = new Harbor({ endpoint, auth: { mode: "NONE" }, authority });
    const { token } = await nobody.json("POST", "/api/v1/users/signin", { name: "root", password: "dragonfly" });
    const root = stack.use(new Harbor({ endpoint, auth: { mode: "OAUTH", token }, authority }));
    return new HarborStage(stage, stack.move(), root);
  }

  get manifest(): string {
    return `${this.stage.registry.url}/v2/${REPOSITORY}/manifests/v1`;
  }

  /** Harbor with an instance that is set up like this. */
  harbor(auth: HarborInstance["auth"]): Harbor {
    const endpoint = `https://${formatHostPort(this.stage.manager.it.rest)}`;
    return this.#stack.use(new Harbor({ endpoint, auth, authority }));
  }

  /** A personal access token of the manager. */
  async token(name: string, parts: { readonly scopes?: string[]; readonly expired_at?: string } = {}): Promise<string> {
    const body = { name, user_id: 1, expired_at: FOREVER, scopes: ["job"], ...parts };
    return (await this.root.json("POST", "/api/v1/personal-access-tokens", body)).token;
  }

  /** Harbor, set up as its documentation says. */
  async usualHarbor(): Promise<Harbor> {
    return this.harbor({ mode: "OAUTH", token: await this.token("harbor") });
  }

  /** Pulls the image on a node whose container runtime trusts the registry. */
  async pull(node: Node): Promise<void> {
    using client = Deno.createHttpClient({ caCerts: [readFileSync(REGISTRY_TLS.caCert, "utf8")] });
    await node.pull(ACCOUNT, (input, init) => fetch(input, { ...init, client }));
  }

  /** What Harbor sends as the right to pull, of a registry with tokens. */
  async registryToken(): Promise<string> {
    using client = Deno.createHttpClient({ caCerts: [readFileSync(REGISTRY_TLS.caCert, "utf8")] });
    const headers = { authorization: `Basic ${btoa(`${ACCOUNT.username}:${ACCOUNT.password}`)}` };
    const url = `${this.stage.registry.url}/token?scope=repository:${REPOSITORY}:pull`;
    const { token } = await (await fetch(url, { headers, client })).json();
    return `Bearer ${token}`;
  }

  /** Requests for blobs that the registry has answered with content. */
  blobRequests(): number {
    return this.stage.registry.requests.filter(({ method, path, status }) => {
      return method === "GET" && path.includes("/blobs/") && status < 300;
    }).length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function certificate(files: typeof REGISTRY_TLS): Promise<TlsFiles> {
  const { cert, key } = files;
  return openTlsFiles({ cert, key }, { disk: realDisk(realRandom()), clock: realClock(), log: new MemoryLog() });
}

const bearer = (): RegistryLogin => ({ kind: "bearer", random: seededRandom(5), account: ACCOUNT });
const basic = `Basic ${btoa(`${ACCOUNT.username}:${ACCOUNT.password}`)}`;
/** Nodes that trust the registry, so that they can ask it who may have what. */
const TRUSTING = { settings: { "proxy.registryMirror.cert": REGISTRY_TLS.caCert } };

for (const kind of ["bearer", "basic"] as const) {
  Deno.test(`Harbor preheats an image of a registry with a ${kind} login, and a pull costs that registry no blob`, async () => {
    const login = kind === "bearer" ? bearer() : { kind, account: ACCOUNT } as const;
    await using scene = await HarborStage.open({ login, nodes: ["seed"] });
    const { stage } = scene;
    const peer = await stage.start("peer", TRUSTING);
    await stage.untilHosts(2);
    const harbor = await scene.usualHarbor();
    assert.equal(await harbor.health(), true);
    const authorization = kind === "bearer" ? await scene.registryToken() : basic;
    const { status, error, lines } = await harbor.preheat({ url: scene.manifest, authorization });
    assert.deepEqual([status, error, lines.length], ["SUCCESS", "", ALL_BLOBS]);
    for (const line of lines) {
      assert.deepEqual([line.hostname, line.ip, line.clusterId, line.state], ["seed", stage.ip, 1, "SUCCESS"]);
      assert.ok(line.url.startsWith(`${stage.registry.url}/v2/${REPOSITORY}/blobs/sha256:`), line.url);
    }
    assert.equal(stage.layerBytesSent(), layerBytes, "one copy");
    const before = scene.blobRequests();
    await scene.pull(peer);
    assert.equal(scene.blobRequests(), before, "the pull went to the registry");
    const shown = JSON.stringify(await scene.root.json("GET", "/api/v1/jobs"));
    assert.ok(!shown.includes(authorization.split(" ")[1] ?? ""), "the registry's token is shown");
  });
}

Deno.test("with scope all_peers every node has the image, and no pull costs the registry a blob", async () => {
  await using scene = await HarborStage.open({ login: bearer(), nodes: ["seed"] });
  const { stage } = scene;
  const peers = [await stage.start("peer-1", TRUSTING), await stage.start("peer-2", TRUSTING)];
  await stage.untilHosts(3);
  const harbor = await scene.usualHarbor();
  const authorization = await scene.registryToken();
  const order = { url: scene.manifest, authorization, scope: "all_peers", clusterIds: [1] };
  const { status, lines } = await harbor.preheat(order);
  assert.deepEqual([status, lines.length], ["SUCCESS", 3 * ALL_BLOBS]);
  assert.deepEqual(new Set(lines.map(({ hostname }) => hostname)), new Set(["seed", "peer-1", "peer-2"]));
  assert.equal(stage.layerBytesSent(), layerBytes, "one copy for all");
  const before = scene.blobRequests();
  for (const peer of peers) {
    const { remotePeer } = peer.traffic;
    await scene.pull(peer);
    assert.ok(peer.traffic.remotePeer - remotePeer <= documentBytes, "it did not hold all blobs");
  }
  assert.equal(scene.blobRequests(), before);

  const args = { url: scene.manifest, ...ACCOUNT, platform: "linux/amd64" };
  const { image: { layers }, peers: holders } = await scene.root.json("POST", "/api/v1/jobs", {
    ...{ type: "get_image_distribution", args },
  });
  assert.equal(layers.length, 1 + image.layers.length);
  assert.deepEqual(
    holders.map(({ hostname, cached_layers: cached }: { hostname: string; cached_layers: unknown[] }) => {
      return [hostname, cached.length];
    }).toSorted(),
    [["peer-1", layers.length], ["peer-2", layers.length]],
  );
  const wrong = { type: "get_image_distribution", args: { ...args, password: "guess" } };
  await assert.rejects(scene.root.json("POST", "/api/v1/jobs", wrong), { status: 502, message: /Cannot get a token/ });
});

Deno.test("each way to sign in gets what it should, and whoever is refused is told why", async () => {
  await using scene = await HarborStage.open({ login: bearer(), nodes: ["seed"] });
  const token = await scene.token("good");
  const authorization = await scene.registryToken();
  const order = { url: scene.manifest, authorization };
  const good = [
    { mode: "OAUTH", token } as const,
    { mode: "CUSTOM", header: "Authorization", value: `Bearer ${token}` } as const,
  ];
  for (const auth of good) {
    const harbor = scene.harbor(auth);
    assert.equal(await harbor.health(), true);
    assert.equal((await harbor.preheat(order)).status, "SUCCESS", auth.mode);
  }
  const wrongScope = await scene.token("clusters", { scopes: ["cluster"] });
  const refused: [HarborInstance["auth"], number, RegExp][] = [
    [{ mode: "NONE" }, 401, /Unauthorized/],
    [{ mode: "BASIC", username: "root", password: "dragonfly" }, 401, /send a personal access token.*auth mode OAuth/],
    [{ mode: "OAUTH", token: "guess" }, 401, /Unauthorized/],
    [{ mode: "CUSTOM", header: "X-Token", value: token }, 401, /Unauthorized/],
    [{ mode: "OAUTH", token: wrongScope }, 403, /Required permission: job/],
  ];
  for (const [auth, status, message] of refused) {
    const harbor = scene.harbor(auth);
    assert.equal(await harbor.health(), true, "health asks for no right, whatever is sent");
    await assert.rejects(harbor.start(order), (error: HarborError) => {
      assert.deepEqual([error.status, message.test(error.message)], [status, true], `${auth.mode}: ${error.message}`);
      return true;
    });
  }
});

Deno.test("whatever keeps an image from being preheated is told in a sentence", async () => {
  await using scene = await HarborStage.open({ login: bearer(), nodes: ["seed"] });
  const { stage } = scene;
  const harbor = await scene.usualHarbor();
  const authorization = await scene.registryToken();
  const order = { url: scene.manifest, authorization };
  const failures: [Parameters<Harbor["preheat"]>[0], RegExp][] = [
    [
      { ...order, url: `${stage.registry.url}/v2/${REPOSITORY}/manifests/v9` },
      /Cannot get manifest v9: the answer was 404/,
    ],
    [{ ...order, authorization: "Bearer stale" }, /Cannot get a token for team\/app/],
    [{ ...order, url: `https://${LOCAL}:1/v2/a/manifests/v1` }, /Cannot reach https:\/\/127\.0\.0\.1:1/],
    [{ ...order, url: `https://169.254.169.254/v2/a/manifests/v1` }, /Cannot go to .*metadata service/],
  ];
  for (const [failing, message] of failures) {
    const { status, error } = await harbor.preheat(failing);
    assert.equal(status, "FAIL");
    assert.match(error, message);
  }
  const refused: [Parameters<Harbor["preheat"]>[0], number, RegExp][] = [
    [{ ...order, clusterIds: [99] }, 404, /scheduler cluster 99/],
    [{ ...order, scope: "everywhere" }, 422, /args\.scope/],
    [{ ...order, url: "team/app:v1" }, 422, /args\.url/],
  ];
  for (const [wrong, status, message] of refused) {
    await assert.rejects(harbor.start(wrong), { status, message });
  }
  stage.fault = ({ path }) => path.includes("/blobs/") ? { kind: "status", status: 403 } : undefined;
  const { status, error, lines } = await harbor.preheat(order);
  assert.equal(status, "FAIL");
  assert.match(error, /^5 of 5 contents could be fetched by no host: .*the source answered 403/);
  assert.deepEqual([lines.length, new Set(lines.map(({ state }) => state))], [ALL_BLOBS, new Set(["FAILED"])]);
  stage.fault = undefined;
  assert.equal((await harbor.preheat(order)).status, "SUCCESS", "what was wrong is not remembered");
});

Deno.test("a registry that nobody vouches for fails a preheat with its certificate as the reason, at the latest on peers", async () => {
  for (
    const [insecureSkipVerify, why] of [[false, /Cannot reach https:.*certif/], [
      true,
      /Cannot fetch .*certif/,
    ]] as const
  ) {
    const tls = { "job.preheat.tls.caCert": undefined, "job.preheat.tls.insecureSkipVerify": insecureSkipVerify };
    await using scene = await HarborStage.open({ login: bearer(), nodes: ["seed"], managerSettings: tls });
    const harbor = await scene.usualHarbor();
    const { status, error } = await harbor.preheat({ url: scene.manifest, authorization: await scene.registryToken() });
    assert.equal(status, "FAIL");
    assert.match(error, why);
  }
});

Deno.test("a token that the registry ends while blobs are fetched is renewed with the order's account", async () => {
  await using scene = await HarborStage.open({ login: bearer(), nodes: ["seed"] });
  const { stage } = scene;
  let blobs = 0;
  stage.fault = ({ method, path }) => {
    if (method === "GET" && path.includes("/blobs/") && ++blobs === 2) stage.registry.expireTokens();
    return undefined;
  };
  const args = { type: "image", url: scene.manifest, ...ACCOUNT, concurrent_task_count: 1 };
  const { id } = await scene.root.json("POST", "/api/v1/jobs", { type: "preheat", args });
  const job = await waitFor("the job to end", 30_000, async () => {
    const shown = await scene.root.json("GET", `/api/v1/jobs/${id}`);
    return shown.state === "PENDING" ? undefined : shown;
  });
  assert.equal(job.state, "SUCCESS", JSON.stringify(job.result));
  const tokens = stage.registry.requests.filter(({ path }) => path === "/token").length;
  assert.equal(tokens, 2);
  assert.equal(job.result.job_states[0].results[0].failure_count, 0);
});

Deno.test("a Harbor before 2.12 preheats by the old API, where that is configured", async () => {
  const managerSettings = { "job.preheat.legacyAPI.enable": true };
  await using scene = await HarborStage.open({ login: bearer(), nodes: ["seed"], managerSettings });
  const harbor = await scene.usualHarbor();
  assert.equal(await harbor.json("GET", "/_ping"), "OK");
  const order = async (url: string) => {
    const { id } = await harbor.json("POST", "/preheats", {
      ...{ type: "image", url, headers: { Authorization: await scene.registryToken() } },
      ...{ image: REPOSITORY, tag: "v1", digest: image.index.digest },
    });
    assert.equal(typeof id, "string");
    return await waitFor("the preheat to end", 30_000, async () => {
      const shown = await harbor.json("GET", `/preheats/${id}`);
      return ["WAITING", "RUNNING"].includes(shown.status) ? undefined : shown;
    });
  };
  const done = await order(scene.manifest);
  assert.deepEqual([done.status, done.errorMsg], ["SUCCESS", undefined]);
  assert.ok(Date.parse(done.finishTime) >= Date.parse(done.startTime));
  const failed = await order(`${scene.stage.registry.url}/v2/${REPOSITORY}/manifests/v9`);
  assert.equal(failed.status, "FAIL");
  assert.match(failed.errorMsg, /manifest v9: the answer was 404/);
});
