/** Clusters of real components in this process, whose parts a test can stop, start again and let fail. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as z from "zod";
import {
  managerSettings,
  peerSettings,
  schedulerSettings,
  type Settings,
} from "../../src/cmd/local_cluster_settings.ts";
import { formatHostPort, type HostPort } from "../../src/config/addresses.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { fileMetaOf, parseConfig } from "../../src/config/load.ts";
import { ManagerConfig } from "../../src/config/manager.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { taskIdOf } from "../../src/core/task_id.ts";
import { type Manager, startManager } from "../../src/manager/manager.ts";
import { type PulledImage, pullImage } from "../../src/oci/image_pull.ts";
import type { Credentials } from "../../src/oci/image_pull_client.ts";
import { parseImageReference } from "../../src/oci/image_reference.ts";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import {
  type LoggedRequest,
  type RegistryFault,
  type SampleRegistry,
  type SampleRegistryOptions,
  startSampleRegistry,
} from "../../src/oci/sample_registry.ts";
import { type PeerProcess, startPeer } from "../../src/peer/peer.ts";
import type { Traffic } from "../../src/peer/task/task.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { ManagerService, SourceType } from "../../src/rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { type Clock, realClock } from "../../src/runtime/clock.ts";
import type { Net } from "../../src/runtime/net.ts";
import type { Fetch } from "../../src/runtime/runtime.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import type { Tracer } from "../../src/runtime/tracing.ts";
import { type SchedulerProcess, startScheduler } from "../../src/scheduler/scheduler.ts";
import { type TestRuntime, testRuntime } from "../../src/testing/test_runtime.ts";
import { waitFor } from "../e2e/lib/wait.ts";

const MIB = 1024 * 1024;
export const READY_TIMEOUT_MS = 20_000;
const CALL_TIMEOUT_MS = 2_000;
const NEVER = new AbortController().signal;
const random = realRandom();

/** The image that all stages serve, as `team/app:v1`: a layer of many pieces, one of a few, one of one. */
export const image = await makeSampleImage({ layerBytes: [12 * MIB, 1 * MIB, 100_000] });
const [bigLayer] = image.layers;
assert.ok(bigLayer);
/** The layer of many pieces. */
export const layer = bigLayer;
/** Bytes of the index and of the manifest that a pull gets. */
export const documentBytes = image.index.size + (image.manifests[0]?.size ?? 0);
export const layerBytes = image.layers.reduce((sum, { size }) => sum + size, 0);
/** What a pull of the image for linux on amd64 fetches; each is a task. */
const pulledManifests = [image.index, ...image.manifests.slice(0, 1)];
const pulledBlobs = [...image.blobs.slice(0, 1), ...image.layers];
export const REPOSITORY = "team/app";

/**
 * A loopback address that no other test uses, so that a port which was let go can be taken again; systems that have
 * only one get that one.
 */
export function freshIp(): string {
  if (Deno.build.os !== "linux") return "127.0.0.1";
  return `127.${100 + random.below(100)}.${random.below(256)}.${1 + random.below(254)}`;
}

/** A clock that can be put forward, for limits of hours. */
export class MovableClock implements Clock {
  readonly #clock = realClock();
  #aheadMs = 0;
  readonly sleep = this.#clock.sleep;
  readonly deadline = this.#clock.deadline;
  readonly every = this.#clock.every;

  now(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  wallMs(): number {
    return this.#clock.wallMs() + this.#aheadMs;
  }

  forward(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** A part of a cluster that can be stopped, and started again as it was. */
export class Part<P extends AsyncDisposable> implements AsyncDisposable {
  readonly #open: (before: P | undefined) => Promise<P>;
  #running: P | undefined;
  #before: P | undefined;

  constructor(open: (before: P | undefined) => Promise<P>) {
    this.#open = open;
  }

  /** The running part. */
  get it(): P {
    assert.ok(this.#running, "the part is stopped");
    return this.#running;
  }

  async start(): Promise<P> {
    return this.#running = this.#before = await this.#open(this.#before);
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.[Symbol.asyncDispose]();
  }

  async restart(): Promise<P> {
    await this.stop();
    return await this.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** What a node is other than usual. */
export interface NodeOptions {
  readonly isSeed?: boolean;
  readonly ip?: string;
  readonly settings?: Settings;
  readonly net?: Net;
}

/** A host with a peer on it. */
export class Node extends Part<PeerProcess> {
  readonly name: string;
  readonly dir: string;
  /** Of the last start; the log and the metrics can be read back. */
  runtime: TestRuntime | undefined;
  readonly clock = new MovableClock();
  readonly #stage: Stage;

  constructor(name: string, stage: Stage, options: NodeOptions) {
    super(async () => {
      this.runtime = stage.runtime(name, this.clock, options.net);
      const { isSeed = false, ip = stage.ip } = options;
      const { dir, upstreams, managerAddress: manager } = stage;
      const settings = peerSettings({ name, isSeed, place: { ip, firstPort: 0 }, dir, upstreams, manager });
      return await startPeer(configOf(DfdaemonConfig, { ...settings, ...options.settings }), this.runtime);
    });
    this.name = name;
    this.dir = join(stage.dir, name);
    this.#stage = stage;
  }

  /** Where a container runtime on this host sends its requests. */
  get mirror(): string {
    return `http://${formatHostPort(this.it.mirror)}`;
  }

  get traffic(): Traffic {
    return this.it.traffic();
  }

  /** Waits until bytes have come as described. */
  async untilTraffic(isSo: (traffic: Traffic) => boolean): Promise<void> {
    await waitFor(`traffic of ${this.name}`, READY_TIMEOUT_MS, () => isSo(this.traffic) || undefined);
  }

  /** Pulls the image as a container runtime does, which sends its requests by `send`. */
  async pull(credentials?: Credentials, send: Fetch = fetch): Promise<PulledImage> {
    return await pullImage(
      {
        image: parseImageReference(`${this.#stage.registry.namespace}/${REPOSITORY}:v1`),
        endpoint: this.mirror,
        platform: { os: "linux", architecture: "amd64" },
        ...(credentials === undefined ? {} : { credentials }),
      },
      { fetch: send, clock: realClock() },
      NEVER,
    );
  }

  /** Asks the mirror for a blob; the caller reads the body or cancels it. */
  async blob(headers: HeadersInit = {}, digest: string = layer.digest): Promise<Response> {
    const url = `${this.mirror}/v2/${REPOSITORY}/blobs/${digest}?ns=${this.#stage.registry.namespace}`;
    return await fetch(url, { headers });
  }
}

/** What a stage begins with. */
export interface StageOptions {
  readonly registry?: Partial<SampleRegistryOptions>;
  /** Without one nobody is told where the manager is. */
  readonly hasManager?: boolean;
  /** Names of nodes; `seed` and what begins with it are seed peers. */
  readonly nodes?: readonly string[];
  /** Settings of all nodes. */
  readonly settings?: Settings;
  /** Settings of the manager besides the usual ones. */
  readonly managerSettings?: Settings;
  /** Where a member records what it does for requests; left out, nowhere. */
  readonly tracerOf?: (name: string) => Tracer;
}

/** A registry with one image, and a cluster around it. */
export class Stage implements AsyncDisposable {
  readonly ip = freshIp();
  readonly dir: string;
  readonly registry: SampleRegistry;
  readonly manager: Part<Manager>;
  readonly scheduler: Part<SchedulerProcess>;
  /** What goes wrong at the registry now. */
  fault: SampleRegistryOptions["faultOf"];
  /** The time of all schedulers. */
  readonly schedulerClock = new MovableClock();
  managerAddress: HostPort | undefined;
  readonly #settings: Settings;
  readonly #managerSettings: Settings;
  readonly #tracerOf: StageOptions["tracerOf"];
  readonly #nodes = new Map<string, Node>();
  #stack: AsyncDisposableStack;

  private constructor(
    dir: string,
    stack: AsyncDisposableStack,
    { registry, settings = {}, managerSettings = {}, tracerOf }: StageOptions,
  ) {
    this.dir = dir;
    this.#stack = stack;
    this.#settings = settings;
    this.#managerSettings = managerSettings;
    this.#tracerOf = tracerOf;
    const images = [{ repository: REPOSITORY, tag: "v1", image }];
    const faultOf = (request: { method: string; path: string }): RegistryFault | undefined => this.fault?.(request);
    this.registry = stack.use(startSampleRegistry({ clock: realClock(), images, faultOf, ...registry }));
    this.manager = stack.use(new Part((before) => this.#openManager(before)));
    this.scheduler = this.addScheduler("scheduler");
  }

  /** Opens a stage; its nodes know their scheduler, and it knows them. */
  static async open(options: StageOptions = {}): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const dir = await mkdtemp(join(tmpdir(), "damselfly-cluster-"));
    stack.defer(() => rm(dir, { recursive: true, force: true }));
    const stage = new Stage(dir, stack, options);
    const { hasManager = true, nodes = ["seed", "peer-1", "peer-2"] } = options;
    if (hasManager) {
      await stage.manager.start();
      await stage.startScheduler(stage.scheduler);
    }
    await Promise.all(nodes.map((name) => stage.start(name)));
    if (hasManager) await stage.untilHosts(nodes.length);
    stage.#stack = stack.move();
    return stage;
  }

  get upstreams() {
    return [{ namespace: this.registry.namespace, addr: this.registry.url }];
  }

  /** The node with this name. */
  node(name: string): Node {
    const node = this.#nodes.get(name);
    assert.ok(node, `there is no node ${name}`);
    return node;
  }

  /** Adds a node and starts it. */
  async start(name: string, options: NodeOptions = {}): Promise<Node> {
    const settings = { ...this.#settings, ...options.settings };
    const node = this.#stack.use(new Node(name, this, { isSeed: name.startsWith("seed"), ...options, settings }));
    this.#nodes.set(name, node);
    await node.start();
    return node;
  }

  /** A scheduler of a cluster of the manager; it is not started yet. */
  addScheduler(name: string, clusterId?: number): Part<SchedulerProcess> {
    const open = (before: SchedulerProcess | undefined) => {
      const place = { name, dir: this.dir, ip: this.ip, port: before?.port ?? 0, manager: this.managerAddress };
      const settings = { ...schedulerSettings(place), "manager.schedulerClusterID": clusterId };
      return startScheduler(configOf(SchedulerConfig, settings), this.runtime(name, this.schedulerClock));
    };
    return this.#stack.use(new Part(open));
  }

  /** Starts a scheduler, and waits until the manager lists it. */
  async startScheduler(scheduler: Part<SchedulerProcess>, host: { readonly idc?: string } = {}): Promise<void> {
    await scheduler.start();
    await this.untilListed(scheduler.it, host);
  }

  /** Waits until the manager lists a scheduler to such a host. */
  async untilListed({ port }: HostPort = this.scheduler.it, host: { readonly idc?: string } = {}): Promise<void> {
    await waitFor("the scheduler to be active at the manager", READY_TIMEOUT_MS, async (signal) => {
      using manager = createRpcClient(ManagerService, formatHostPort(this.manager.it.grpc), { clock: realClock() });
      const anyPeer = { sourceType: SourceType.PEER_SOURCE, hostname: "any", ip: this.ip, schedulerClusterId: 0 };
      const request = { ...anyPeer, ...host, version: "", commit: "" };
      const { schedulers } = await manager.listSchedulers(request, { signal, timeoutMs: CALL_TIMEOUT_MS });
      return schedulers.some((listed) => listed.port === port) || undefined;
    });
  }

  /** Waits until a scheduler knows so many hosts. */
  async untilHosts(count: number, scheduler: HostPort = this.scheduler.it): Promise<void> {
    await waitFor(`${count} hosts to be known to the scheduler`, READY_TIMEOUT_MS, async (signal) => {
      using client = createRpcClient(SchedulerService, formatHostPort(scheduler), { clock: realClock() });
      const { hosts } = await client.listHosts({}, { signal, timeoutMs: CALL_TIMEOUT_MS });
      return hosts.length === count || undefined;
    });
  }

  /** Waits until a scheduler knows that somebody has all of each manifest and blob. */
  async untilContentsKnown(scheduler: HostPort = this.scheduler.it): Promise<void> {
    using client = createRpcClient(SchedulerService, formatHostPort(scheduler), { clock: realClock() });
    await waitFor("the contents to be known to the scheduler", READY_TIMEOUT_MS, async (signal) => {
      for (const taskId of this.#pulledTaskIds()) {
        const { state } = await client.statTask({ taskId, hostId: "" }, { signal, timeoutMs: CALL_TIMEOUT_MS });
        if (state !== "Succeeded") return undefined;
      }
      return true;
    });
  }

  /** The digest is the id of a blob; that of a manifest is made of its URL. */
  #pulledTaskIds(): string[] {
    const folder = `${this.registry.url}/v2/${REPOSITORY}/manifests`;
    return [
      ...pulledManifests.map(({ digest }) => taskIdOf({ url: `${folder}/${digest}` })),
      ...pulledBlobs.map(({ digest }) => digest.replace("sha256:", "")),
    ];
  }

  /** Successful requests for the content of layers; a mirror's question for somebody's right is not one. */
  layerRequests(): LoggedRequest[] {
    const digests = image.layers.map(({ digest }) => digest);
    return this.registry.requests.filter(({ method, path, status }) =>
      method === "GET" && status < 300 && digests.some((digest) => path.endsWith(digest))
    );
  }

  /** Bytes of layers that the registry has sent. */
  layerBytesSent(): number {
    return this.layerRequests().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Effects of the machine, with a log and metrics that can be read back. */
  runtime(name: string, clock: Clock, net?: Net): TestRuntime {
    const tracer = this.#tracerOf?.(name);
    return testRuntime({
      ...{ clock, disk: realDisk(random), random },
      ...(net && { net }),
      ...(tracer && { tracer }),
    });
  }

  async #openManager(before: Manager | undefined): Promise<Manager> {
    const ports = { grpcPort: before?.grpc.port ?? 0, restPort: before?.rest.port ?? 0 };
    const settings = { ...managerSettings({ dir: this.dir, ip: this.ip, ...ports }), ...this.#managerSettings };
    const manager = await startManager(configOf(ManagerConfig, settings), this.runtime("manager", realClock()));
    this.managerAddress = manager.grpc;
    return manager;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function configOf<S extends z.ZodObject>(schema: S, settings: Settings): z.output<S> {
  return parseConfig(schema, "", fileMetaOf(schema).component, settings).config;
}

/** Reads a body to its end; how many bytes came, and whether it ended as it should. */
export async function drain(response: Response): Promise<{ bytes: Uint8Array; isComplete: boolean }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), isComplete: true };
  } catch {
    return { bytes: Buffer.concat(chunks), isComplete: false };
  }
}

/** A promise that a test keeps back, and what it resolves it with. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
