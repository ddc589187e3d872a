/** One cluster whose members are stock or ours, and can be exchanged one by one at the same address. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Manager, PeerOptions, Scheduler } from "../../e2e/lib/components.ts";
import { type AnyPeer, type Kind, schedulerListed, startManager, startPeer, startScheduler } from "./components.ts";
import type { StockDatabase } from "./databases.ts";
import type { Lab } from "./lab.ts";
import type { PushedImage } from "./images.ts";
import { pullByMirror, type PullRoute } from "./pull.ts";
import { PROBE_LAYER_BYTES, seedUsed } from "./seed_used.ts";
import { withoutParents } from "./without_parents.ts";

const PEER_KNOWN_TIMEOUT_MS = 60_000;
const DEFAULT_CLUSTER = 1;
const MANAGER = 0;
const SCHEDULER = 1;
const FIRST_PEER = 2;

/** A cluster of one manager, one scheduler, and peers by name. */
export class Cluster implements AsyncDisposable {
  readonly lab: Lab;
  readonly name: string;
  readonly #firstHost: number;
  readonly #hosts = new Map<string, number>();
  readonly #peers = new Map<string, AnyPeer>();
  #database: StockDatabase | undefined;
  #manager: Manager | undefined;
  #managerKind: Kind = "stock";
  #scheduler: Scheduler | undefined;

  constructor(lab: Lab, name: string) {
    this.lab = lab;
    this.name = name;
    this.#firstHost = lab.nextClusterHost();
  }

  get manager(): Manager {
    assert(this.#manager !== undefined, `${this.name} has no manager`);
    return this.#manager;
  }

  get scheduler(): Scheduler {
    assert(this.#scheduler !== undefined, `${this.name} has no scheduler`);
    return this.#scheduler;
  }

  /** Where the scheduler's gRPC server is, the same whatever kind runs there. */
  get schedulerTarget(): string {
    return `${this.#ip(SCHEDULER)}:8002`;
  }

  peer(name: string): AnyPeer {
    const peer = this.#peers.get(name);
    assert(peer !== undefined, `${this.name} has no peer ${name}`);
    return peer;
  }

  /** The address of a peer, the same whatever kind runs there. */
  peerIp(name: string): string {
    const host = this.#hosts.get(name) ?? FIRST_PEER + this.#hosts.size;
    this.#hosts.set(name, host);
    return this.#ip(host);
  }

  /** Starts a manager of this kind, in the place of the one before. Each kind keeps its own database. */
  async runManager(kind: Kind): Promise<void> {
    await this.#manager?.process.stop();
    if (kind === "stock") this.#database ??= await (await this.lab.databases()).fresh();
    const database = kind === "stock" ? this.#database : undefined;
    this.#manager = await startManager(this.lab, this.#place("manager", kind, MANAGER), database);
    this.#managerKind = kind;
  }

  /** Starts a scheduler of this kind, in the place of the one before; its manager may list it later. */
  async runScheduler(kind: Kind): Promise<void> {
    await this.#scheduler?.process.stop();
    const database = this.#managerKind === "stock" ? this.#database : undefined;
    const place = this.#place("scheduler", kind, SCHEDULER);
    this.#scheduler = await startScheduler(this.lab, place, { kind, manager: this.manager, database });
  }

  /** Resolves when the manager, which may have been started again, lists the scheduler. */
  async schedulerListed(): Promise<void> {
    await schedulerListed(this.scheduler, this.#ip(SCHEDULER), this.manager, DEFAULT_CLUSTER);
  }

  /** Starts a peer of this kind, in the place of the one before, and waits until the scheduler knows it. */
  async runPeer(name: string, kind: Kind, options: PeerOptions = {}): Promise<AnyPeer> {
    const ip = this.peerIp(name);
    await this.#peers.get(name)?.process.stop();
    const { namespace, url } = this.lab.tap;
    const peer = await startPeer(this.lab, kind, { name, ip, dir: this.#dir(name, kind) }, {
      managerUrl: this.manager.grpcUrl,
      registryUrl: url,
      upstreams: [{ namespace, addr: url }],
      ...options,
    });
    this.#peers.set(name, peer);
    await this.known(name);
    return peer;
  }

  async stopPeer(name: string): Promise<void> {
    await this.peer(name).process.stop();
    this.#peers.delete(name);
  }

  /** Pulls an image by a peer's mirror and nowhere else; returns milliseconds. */
  async pull(image: PushedImage, name: string): Promise<number> {
    return await pullByMirror(image, this.route(name));
  }

  /** The ways of a node to its images. */
  route(name: string): PullRoute {
    return { mirrorUrl: `http://${this.peerIp(name)}:4001`, registryUrl: this.lab.tap.url };
  }

  /** Resolves when the scheduler knows the peer. */
  async known(name: string): Promise<void> {
    const { process, hostId } = this.peer(name);
    await process.ready("being known to its scheduler", PEER_KNOWN_TIMEOUT_MS, async () => {
      return (await this.scheduler.hostIds()).includes(hostId) || undefined;
    });
  }

  /**
   * Resolves when the scheduler sends the seed peer for what `by` is the first to pull. A stock scheduler looks for seed
   * peers every 30 s and tells nobody what it found, so it is asked by pulls.
   */
  async seedKnown(seed: string, by: string): Promise<void> {
    await seedUsed(
      `its seed peer ${seed}`,
      this.peer(seed),
      async () => this.pull(await this.lab.images.fresh(PROBE_LAYER_BYTES), by),
    );
  }

  /** What the stock scheduler's log says of stock peers that it found no parents for, for a layer of the image. */
  async stockWithoutParents(image: PushedImage): Promise<string[]> {
    const stock = [...this.#peers.values()].filter(({ kind }) => kind === "stock").map(({ hostId }) => hostId);
    return await withoutParents(this.#dir("scheduler", "stock"), image, stock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const members = [...this.#peers.values(), this.#scheduler, this.#manager];
    await Promise.all(members.map((member) => member?.process.stop()));
  }

  #ip(host: number): string {
    return this.lab.addresses.ip(this.#firstHost + host);
  }

  #place(name: string, kind: Kind, host: number) {
    return { name, ip: this.#ip(host), dir: this.#dir(name, kind) };
  }

  /** Stock programs and ours never share a folder: their storages are not alike. */
  #dir(name: string, kind: Kind): string {
    return join(this.lab.workspace.dir, this.name, `${name}-${kind}`);
  }
}
