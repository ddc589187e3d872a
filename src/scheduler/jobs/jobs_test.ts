/** Jobs of a real scheduler on hosts that only say what they are asked for. */
import assert from "node:assert/strict";
import { SchedulerConfig } from "../../config/scheduler.ts";
import { derOfPem } from "../../core/certificates.ts";
import { DamselflyError } from "../../core/error.ts";
import { createRpcClient } from "../../rpc/client.ts";
import { type Download, ObjectStorage } from "../../rpc/gen/common/v2/common.ts";
import { type HostResult, JobsService, TaskJobRequest } from "../../rpc/gen/damselfly/v1/jobs.ts";
import {
  DfdaemonUploadService,
  type DownloadTaskRequest,
  StatLocalTaskResponse,
} from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import {
  PreheatFileRequest,
  PreheatImageRequest,
  SchedulerService,
  StatFileRequest,
} from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { service, startRpcServer } from "../../rpc/server.ts";
import type { CallContext } from "../../rpc/service.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { announce, limited } from "../../testing/hand_peer.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { startScheduler } from "../scheduler.ts";
import { rankSeeds } from "./targets.ts";
import { taskIdOf } from "../../core/task_id.ts";

const LOCAL = "127.0.0.1";
const URL_OF_FILE = "https://files.corp/data?signature=secret";

/** What hosts hold, and why they fail. */
class Host {
  readonly id: string;
  readonly tasks = new Set<string>();
  readonly downloads: Download[] = [];
  failure: DamselflyError | undefined;
  /** Why a download fails, if this one does. */
  refuses: (download: Download) => DamselflyError | undefined = () => this.failure;
  hangs = false;

  constructor(id: string) {
    this.id = id;
  }

  async start(runtime = testRuntime()) {
    const held = (taskId: string) => {
      if (this.failure !== undefined) throw this.failure;
      if (!this.tasks.has(taskId)) throw new DamselflyError("not_found", "no such task");
    };
    return await startRpcServer({
      ...{ listen: { hostname: LOCAL, port: 0 }, log: runtime.log, clock: runtime.clock },
      services: [service(DfdaemonUploadService, {
        // deno-lint-ignore require-yield -- it only ends
        downloadTask: async function* (this: Host, { download }: DownloadTaskRequest, { signal }: CallContext) {
          if (download !== undefined) this.downloads.push(download);
          if (this.hangs) await orAbort(new Promise(() => {}), signal);
          const failure = download && this.refuses(download);
          if (failure !== undefined) throw failure;
        }.bind(this),
        statLocalTask: async ({ taskId }) => {
          await Promise.resolve(held(taskId));
          return StatLocalTaskResponse.create({ taskId, finishedAt: { seconds: 1, nanos: 0 } });
        },
        deleteTask: async ({ taskId }) => {
          await Promise.resolve(held(taskId));
          this.tasks.delete(taskId);
          return {};
        },
      })],
    });
  }
}

/** A scheduler that knows hosts of these names; `seed` and what begins with it are seed peers. */
async function stage(...names: string[]) {
  return await stageWith({}, ...names);
}

async function stageWith({ fetch, config }: { fetch?: Fetch; config?: Record<string, unknown> }, ...names: string[]) {
  await using stack = new AsyncDisposableStack();
  const server = { listenIP: LOCAL, port: 0 };
  const runtime = testRuntime(fetch === undefined ? {} : { fetch });
  const { port } = stack.use(await startScheduler(SchedulerConfig.parse({ server, ...config }), runtime));
  const { clock } = testRuntime();
  const stock = stack.use(createRpcClient(SchedulerService, `${LOCAL}:${port}`, { clock }));
  const jobs = stack.use(createRpcClient(JobsService, `${LOCAL}:${port}`, { clock }));
  const hosts = names.map((name) => new Host(name));
  for (const host of hosts) {
    const { port } = stack.use(await host.start());
    const type = host.id.startsWith("seed") ? 1 : 0;
    await announce(stock, host.id, { type, port, hostname: host.id });
  }
  const owned = stack.move();
  return { stock, jobs, hosts, log: runtime.log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function file(parts: Partial<PreheatFileRequest> = {}): PreheatFileRequest {
  return PreheatFileRequest.create({ url: URL_OF_FILE, ...parts });
}

const ends = (results: HostResult[]) => results.map(({ hostId, error }) => [hostId, error === undefined]).toSorted();

Deno.test("a file goes to the seed peer that peers of it are sent to; when that cannot, the next one gets it", async () => {
  await using cluster = await stage("seed-1", "seed-2", "seed-3", "peer");
  const { jobs, hosts } = cluster;
  const taskId = taskIdOf({ url: URL_OF_FILE, tag: "t", filteredQueryParams: ["signature"] });
  const ranked = rankSeeds(hosts.filter(({ id }) => id.startsWith("seed")), taskId);
  const order = file({ tag: "t", filteredQueryParams: ["signature"], header: { authorization: "Bearer x" } });
  const run = async () => ends(await Array.fromAsync(jobs.preheatFile(order, limited)));
  assert.deepEqual(await run(), [[ranked[0]?.id, true]]);
  const [download] = ranked[0]?.downloads ?? [];
  assert.deepEqual([download?.url, download?.tag, download?.requestHeader], [URL_OF_FILE, "t", order.header]);
  assert.deepEqual([download?.needBackToSource, download?.filteredQueryParams], [false, ["signature"]]);

  const objectStorage = ObjectStorage.create({ endpoint: "https://s3.corp", accessKeyId: "id", accessKeySecret: "x" });
  const object = file({ url: "s3://models/a", objectStorage });
  assert.deepEqual((await Array.fromAsync(jobs.preheatFile(object, limited))).map(({ error }) => error), [undefined]);
  assert.deepEqual(hosts.flatMap(({ downloads }) => downloads).at(-1)?.objectStorage, objectStorage);

  const [first, second] = ranked;
  assert.ok(first && second);
  first.failure = new DamselflyError("unavailable", "it stops");
  assert.deepEqual(await run(), [[second.id, true]]);
  first.failure = new DamselflyError("source_error", "the origin says 404");
  assert.deepEqual(await run(), [[first.id, false]], "the source is the same for all");
  assert.equal(second.downloads.length, 1);
});

Deno.test("of all peers each is told of, and one that fails is the only failure", async () => {
  await using cluster = await stage("seed", "a", "b");
  const [, a] = cluster.hosts;
  assert.ok(a);
  a.failure = new DamselflyError("no_space", "its disk is full");
  const results = await Array.fromAsync(cluster.jobs.preheatFile(file({ scope: "all_peers" }), limited));
  assert.deepEqual(ends(results), [["a", false], ["b", true], ["seed", true]]);
  assert.match(results.find(({ hostId }) => hostId === "a")?.error ?? "", /its disk is full/);
  assert.deepEqual(results.map(({ answerCount }) => answerCount), [3, 3, 3]);
  const [one] = await Array.fromAsync(cluster.jobs.preheatFile(file(), limited));
  assert.equal(one?.answerCount, 1);
  assert.deepEqual(await cluster.stock.preheatFile(file({ scope: "all_peers" }), limited), {}, "b has it");
  for (const host of cluster.hosts) host.failure = a.failure;
  await assert.rejects(cluster.stock.preheatFile(file({ scope: "all_peers" }), limited), /Cannot preheat 1 contents/);
});

Deno.test("who holds a task is found under any of its ids, and deleting takes it from all of them", async () => {
  await using cluster = await stage("seed", "a", "b", "c");
  const [seed, a, b, c] = cluster.hosts;
  assert.ok(seed && a && b && c);
  seed.tasks.add("by-digest");
  a.tasks.add("by-url");
  c.failure = new DamselflyError("internal", "it is broken");
  const request = TaskJobRequest.create({ taskIds: ["by-digest", "by-url"] });
  const found = await Array.fromAsync(cluster.jobs.findTask(request, limited));
  assert.deepEqual(ends(found), [["a", true], ["seed", true]]);
  assert.deepEqual(found.map(({ isFinished }) => isFinished), [true, true]);
  assert.deepEqual(ends(await Array.fromAsync(cluster.jobs.deleteTask(request, limited))), [
    ...[["a", true], ["c", false], ["seed", true]],
  ]);
  assert.deepEqual([seed.tasks.size, a.tasks.size], [0, 0]);
});

Deno.test("a stock caller is told which hosts hold a file", async () => {
  await using cluster = await stage("seed", "a");
  cluster.hosts[1]?.tasks.add(taskIdOf({ url: URL_OF_FILE, filteredQueryParams: ["signature"] }));
  const request = StatFileRequest.create({ url: URL_OF_FILE, filteredQueryParams: ["signature"] });
  const { peers } = await cluster.stock.statFile(request, limited);
  assert.deepEqual(peers.map(({ hostname, cachedFiles }) => [hostname, cachedFiles.map(({ url }) => url)]), [
    ["a", [URL_OF_FILE]],
  ]);
});

Deno.test("what would not be obeyed is refused, and what is wrong is named", async () => {
  await using cluster = await stage("seed");
  const { stock } = cluster;
  const cases: [Partial<PreheatFileRequest>, RegExp][] = [
    [{ insecureSkipVerify: true }, /Cannot obey insecure_skip_verify/],
    [{ certificateChain: [new Uint8Array(1)] }, /Cannot read a certificate/],
    [{ certificateChain: [new Uint8Array(65_537)] }, /certificate_chain: expected at most 65536 bytes/],
    [{ outputPath: "/etc/passwd" }, /Cannot obey output_path/],
    [{ hdfs: {} }, /Cannot obey hdfs/],
    [{ objectStorage: {} }, /object_storage: expected only with an s3/],
    [{ url: "s3://b/k", objectStorage: { region: "x".repeat(10_000) } }, /object_storage: expected shorter/],
    [{ scope: "everywhere" }, /scope: expected single_seed_peer/],
    [{ url: "file:///etc/passwd" }, /url: expected an http/],
    [{ percentage: 101 }, /percentage/],
    [{ concurrentPeerCount: 1_001 }, /concurrent_peer_count: expected 0 to 1000/],
    [{ concurrentTaskCount: -1 }, /concurrent_task_count/],
    [{ timeout: { seconds: 100_000_000, nanos: 0 } }, /timeout/],
    [{ header: { a: "x".repeat(10_000) } }, /header/],
    [{ tag: "x".repeat(1_000) }, /tag/],
  ];
  for (const [parts, message] of cases) await assert.rejects(stock.preheatFile(file(parts), limited), message);
  assert.equal(cluster.hosts[0]?.downloads.length, 0);
  const none = TaskJobRequest.create({});
  await assert.rejects(Array.fromAsync(cluster.jobs.findTask(none, limited)), /task_ids/);
});

Deno.test("a cluster without the hosts that are meant refuses, and a host that hangs ends with the time of the job", async () => {
  await using cluster = await stage("a");
  await assert.rejects(cluster.stock.preheatFile(file(), limited), /the cluster has no seed peer/);
  const [host] = cluster.hosts;
  assert.ok(host);
  host.hangs = true;
  const order = file({ scope: "all_peers", timeout: { seconds: 0, nanos: 50e6 } });
  const [result] = await Array.fromAsync(cluster.jobs.preheatFile(order, limited));
  assert.match(result?.error ?? "", /Time limit of 50 ms is over/);
});

/** A registry at an address of nobody, which takes the last token that it gave: its image has a config and two layers. */
function tokenRegistry() {
  const origin = "https://192.0.2.1";
  const descriptor = (letter: string, mediaType = "layer") => {
    return { mediaType, digest: `sha256:${letter.repeat(64)}`, size: 1 };
  };
  const foreign = descriptor("d", "application/vnd.oci.image.layer.nondistributable.v1.tar");
  const manifest = { config: descriptor("a"), layers: [descriptor("b"), foreign, descriptor("c")] };
  const registry = {
    url: `${origin}/v2/app/manifests/v1`,
    tokens: 0,
    isDown: false,
    init: {} as RequestInit | undefined,
  };
  const fetch: Fetch = (input, init) => {
    registry.init = init;
    if (new URL(input).pathname === "/token") {
      if (registry.isDown) return Promise.resolve(new Response(null, { status: 503 }));
      return Promise.resolve(Response.json({ token: `t${++registry.tokens}`, expires_in: 3_600 }));
    }
    if (new Headers(init?.headers).get("authorization") === `Bearer t${registry.tokens}`) {
      return Promise.resolve(Response.json(manifest));
    }
    const headers = { "www-authenticate": `Bearer realm="${origin}/token"` };
    return Promise.resolve(new Response(null, { status: 401, headers }));
  };
  return { registry, fetch };
}

/** What a host says when the source has refused it. */
function refusedBySource(statusCode: number): DamselflyError {
  const message = `Cannot fetch: the source answered ${statusCode}`;
  return new DamselflyError("source_error", message, { details: { message, header: {}, statusCode } });
}

Deno.test("a token that runs out while an image is preheated is renewed, once for all that it was refused to", async () => {
  const { registry, fetch } = tokenRegistry();
  await using cluster = await stageWith({ fetch }, "seed-1", "seed-2");
  for (const host of cluster.hosts) {
    host.refuses = ({ requestHeader }) => {
      return requestHeader["authorization"] === "Bearer t1" ? refusedBySource(401) : undefined;
    };
  }
  const header = { "X-Key": "k", Authorization: "Bearer stale" };
  const order = PreheatImageRequest.create({ url: registry.url, scope: "all_seed_peers", header });
  const results = await Array.fromAsync(cluster.jobs.preheatImage(order, limited));
  assert.deepEqual(results.map(({ error }) => error), Array(6).fill(undefined));
  assert.equal(registry.tokens, 2);
  const { downloads } = cluster.hosts[0] ?? { downloads: [] };
  assert.deepEqual(downloads.at(-1)?.requestHeader, { "X-Key": "k", authorization: "Bearer t2" });
  assert.equal(new Set(downloads.map(({ url }) => url)).size, 3, "without the foreign layer");
  assert.match(JSON.stringify(cluster.log.lines), /left out, for registries need not have them/);
});

Deno.test("what a new token does not help is said once, and so is that there is none", async () => {
  const { registry, fetch } = tokenRegistry();
  await using cluster = await stageWith({ fetch }, "seed");
  const [seed] = cluster.hosts;
  assert.ok(seed);
  const preheat = () => {
    const order = PreheatImageRequest.create({ url: registry.url });
    return Array.fromAsync(cluster.jobs.preheatImage(order, limited));
  };
  seed.refuses = () => refusedBySource(403);
  for (const { error } of await preheat()) assert.match(error ?? "", /the source answered 403/);
  assert.deepEqual([seed.downloads.length, registry.tokens], [3, 1], "a 403 is about the account");
  seed.refuses = () => {
    registry.isDown = true;
    return refusedBySource(401);
  };
  for (const { error } of await preheat()) assert.match(error ?? "", /Cannot get a token for app .* 503/);
  registry.isDown = false;
  seed.refuses = () => refusedBySource(401);
  for (const { error } of await preheat()) assert.match(error ?? "", /the source answered 401/);
});

Deno.test("an order's own Authorization is sent as it is, and hosts get the authorities that it trusts", async () => {
  const { registry, fetch } = tokenRegistry();
  registry.tokens = 7;
  await using cluster = await stageWith({ fetch }, "seed");
  const [seed] = cluster.hosts;
  const header = { Authorization: "Bearer t7" };
  await cluster.stock.preheatImage(PreheatImageRequest.create({ url: registry.url, header }), limited);
  assert.deepEqual(seed?.downloads.map(({ requestHeader }) => requestHeader), [header, header, header]);
  const certificateChain = [derOfPem(await Deno.readTextFile(testCertificates("a").caCert))];
  await cluster.stock.preheatFile(file({ certificateChain }), limited);
  assert.deepEqual(seed?.downloads.at(-1)?.certificateChain.map((der) => new Uint8Array(der)), certificateChain);
});

Deno.test("a registry with a certificate of its own is read as the order says", async () => {
  const { cert, key, caCert } = testCertificates("a");
  const manifest = { config: { mediaType: "c", digest: `sha256:${"a".repeat(64)}`, size: 1 }, layers: [] };
  const listen = { port: 0, hostname: LOCAL, onListen() {}, cert: await Deno.readTextFile(cert) };
  await using registry = Deno.serve({ ...listen, key: await Deno.readTextFile(key) }, () => Response.json(manifest));
  await using cluster = await stage("seed");
  const url = `https://${LOCAL}:${registry.addr.port}/v2/app/manifests/v1`;
  const preheat = (parts: Partial<PreheatImageRequest>) => {
    return cluster.stock.preheatImage(PreheatImageRequest.create({ url, ...parts }), limited);
  };
  const unreachable = { code: "internal", message: /Cannot reach https:/ };
  await assert.rejects(preheat({}), unreachable, "it is no other scheduler's turn");
  await preheat({ insecureSkipVerify: true });
  await preheat({ certificateChain: [derOfPem(await Deno.readTextFile(caCert))] });
  const stranger = derOfPem(await Deno.readTextFile(testCertificates("b").caCert));
  await assert.rejects(preheat({ certificateChain: [stranger] }), /Cannot reach https:/);
});

Deno.test("an image is not read at addresses that only the scheduler's host reaches, unless they are named", async () => {
  const { fetch } = tokenRegistry();
  const server = { listenIP: LOCAL, port: 0, advertiseIP: "10.0.0.1" };
  const preheat = async (url: string, config: Record<string, unknown>) => {
    await using cluster = await stageWith({ fetch, config: { server, ...config } }, "seed");
    await cluster.stock.preheatImage(
      PreheatImageRequest.create({ url, header: { Authorization: "Bearer t0" } }),
      limited,
    );
  };
  for (const host of ["127.0.0.1:5000", "169.254.169.254", "[::1]"]) {
    const url = `http://${host}/v2/app/manifests/v1`;
    const refusal = { code: "internal", message: /\d: Cannot go to .*preheat\.allowedRegistries/ };
    await assert.rejects(preheat(url, {}), refusal);
    await preheat(url, { preheat: { allowedRegistries: [`http://${host}`] } });
  }
});
