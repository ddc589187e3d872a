/** The stage of the pull tests: a registry with an image, three nodes, and our processes as they get started. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type AddressBlock, reserveAddresses } from "./addresses.ts";
import { type Manager, type Peer, type Scheduler, startManager, startPeer, startScheduler } from "./components.ts";
import {
  CONTAINERD_PROGRAMS,
  ContainerdNode,
  type ContainerdProgram,
  installedContainerd,
  newerContainerd,
} from "./containerd.ts";
import { blobsOf, buildImage, type Image, IMAGE_PROGRAMS, pushImage } from "./image.ts";
import { type ManagerSession, signIn } from "./manager_api.ts";
import { blobBytes, type Registry, REGISTRY_PROGRAM, startRegistry } from "./registry.ts";
import { waitFor } from "./wait.ts";
import { Workspace } from "./workspace.ts";

const SETTLE_TIMEOUT_MS = 60_000;
const REPOSITORY_NAME = "debian/tools";
/** Requests that only ask whether a range works, or how long a blob is, get at most this much of it. */
const PROBE_BYTES = 1;

/** What {@link Stage} needs from the machine. */
export const STAGE_NEEDS = { programs: [...CONTAINERD_PROGRAMS, ...IMAGE_PROGRAMS, REGISTRY_PROGRAM], root: true };

/** Everything that the steps share; disposing it ends every process, last started first. */
export class Stage implements AsyncDisposable {
  readonly workspace: Workspace;
  readonly addresses: AddressBlock;
  readonly registry: Registry;
  readonly image: Image;
  /** What users pull. */
  readonly imageName: string;
  readonly nodes: readonly [ContainerdNode, ContainerdNode, ContainerdNode];
  readonly #stack: AsyncDisposableStack;
  #manager: Manager | undefined;
  #session: ManagerSession | undefined;
  readonly schedulers: Scheduler[] = [];
  readonly peers: Peer[] = [];

  private constructor(stack: AsyncDisposableStack, parts: StageParts) {
    this.#stack = stack;
    this.workspace = parts.workspace;
    this.addresses = parts.addresses;
    this.registry = parts.registry;
    this.image = parts.image;
    this.nodes = parts.nodes;
    this.imageName = `${parts.registry.namespace}/${REPOSITORY_NAME}:1.0`;
  }

  static async open(): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const workspace = stack.use(await Workspace.create());
    const addresses = stack.use(await reserveAddresses());
    const image = await buildImage();
    const registry = stack.use(await startRegistry({ ip: addresses.ip(1), dir: workspace.dir }));
    await pushImage(image, registry.url, REPOSITORY_NAME, "1.0");
    const node = async (name: string, program: ContainerdProgram) =>
      stack.use(await ContainerdNode.prepare(name, join(workspace.dir, name), program));
    const nodes = [
      await node("node-1", await installedContainerd()),
      await node("node-2", await newerContainerd("2.x")),
      await node("node-3", await installedContainerd()),
    ] as const;
    return new Stage(stack.move(), { workspace, addresses, registry, image, nodes });
  }

  /** The address that node `number`'s peer gets. */
  peerIp(number: number): string {
    return this.addresses.ip(20 + number);
  }

  mirrorUrl(number: number): string {
    return `http://${this.peerIp(number)}:4001`;
  }

  async startManager(): Promise<void> {
    this.#manager = this.#stack.use(await startManager(this.#place("manager", this.addresses.ip(2))));
    this.#session = await signIn(this.#manager.restUrl);
  }

  get session(): ManagerSession {
    assert(this.#session !== undefined, "The manager has not been started");
    return this.#session;
  }

  async startScheduler(clusterId: number): Promise<Scheduler> {
    const name = `scheduler-${clusterId}`;
    const place = this.#place(name, this.addresses.ip(10 + clusterId));
    const scheduler = this.#stack.use(await startScheduler(place, this.#managerUrl(), clusterId));
    this.schedulers.push(scheduler);
    return scheduler;
  }

  /** Starts the peer of a node, or with number 0 a seed peer, and waits until `scheduler` knows it. */
  async startPeer(number: number, scheduler: Scheduler, idc?: string): Promise<Peer> {
    const name = number === 0 ? "seed" : `node-${number}`;
    const peer = this.#stack.use(
      await startPeer(this.#place(`${name}-dfdaemon`, this.peerIp(number)), {
        managerUrl: this.#managerUrl(),
        isSeed: number === 0,
        upstreams: [{ namespace: this.registry.namespace, addr: this.registry.url }],
        ...(idc === undefined ? {} : { idc }),
      }),
    );
    this.peers.push(peer);
    await peer.process.ready("being known to its scheduler", SETTLE_TIMEOUT_MS, async () => {
      return (await scheduler.hostIds()).includes(peer.hostId) || undefined;
    });
    return peer;
  }

  /** Ends all of our processes, the way an administrator would. */
  async stopOurs(): Promise<void> {
    for (const { process } of [...this.peers, ...this.schedulers]) await process.stop();
    await this.#manager?.process.stop();
  }

  /** Bytes that the registry sent of each blob since it was told to forget; probes do not count. */
  sentByRegistry(): Map<string, number> {
    return blobBytes(this.registry.requests().filter(({ bytes }) => bytes > PROBE_BYTES));
  }

  /** Fails unless the registry sent each blob exactly once since it was told to forget. It logs when a body ends. */
  async assertSentOnce(): Promise<void> {
    const blobs = blobsOf(this.image);
    await waitFor("a copy of each blob in the registry's log", SETTLE_TIMEOUT_MS, () => {
      const sent = this.sentByRegistry();
      return blobs.every(({ digest, size }) => (sent.get(digest) ?? 0) >= size) || undefined;
    });
    assert.deepEqual(this.sentByRegistry(), new Map(blobs.map(({ digest, size }) => [digest, size])));
  }

  /** The peer of node `number`, or with 0 the seed peer. */
  peer(number: number): Peer {
    const peer = this.peers.find(({ ip }) => ip === this.peerIp(number));
    assert(peer !== undefined, `Peer ${number} has not been started`);
    return peer;
  }

  /** Fails unless the node has the image that was pushed, and has it from this name. */
  async assertHasImage(node: ContainerdNode): Promise<void> {
    const status = await node.status(this.imageName);
    assert.equal(status?.id, this.image.config.digest);
    const digest = `${this.registry.namespace}/${REPOSITORY_NAME}@${this.image.index.digest}`;
    assert.deepEqual(status.repoDigests, [digest]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  #managerUrl(): string {
    assert(this.#manager !== undefined, "The manager has not been started");
    return this.#manager.grpcUrl;
  }

  #place(name: string, ip: string) {
    return { name, ip, dir: join(this.workspace.dir, name) };
  }
}

interface StageParts {
  readonly workspace: Workspace;
  readonly addresses: AddressBlock;
  readonly registry: Registry;
  readonly image: Image;
  readonly nodes: readonly [ContainerdNode, ContainerdNode, ContainerdNode];
}
