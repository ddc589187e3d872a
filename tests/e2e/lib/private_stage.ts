/** Registries that let in whom they know, and three generations of containerd with a peer each that trust them. */
import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSampleImage, type SampleImage } from "../../../src/oci/sample_image.ts";
import { testCertificates } from "../../../src/testing/certificates.ts";
import { type AddressBlock, reserveAddresses } from "./addresses.ts";
import {
  fromCheckout,
  type Launch,
  type Peer,
  type PeerOptions,
  runDfinit,
  type Scheduler,
  startManager,
  startPeer,
  startScheduler,
} from "./components.ts";
import { CONTAINERD_PROGRAMS, ContainerdNode, installedContainerd, newerContainerd } from "./containerd.ts";
import type { Login } from "./cri.ts";
import { requireProgram } from "./programs.ts";
import { pushSample } from "./push_sample.ts";
import { blobBytes, type Registry, REGISTRY_PROGRAM, startRegistry } from "./registry.ts";
import { type RegistryFront, startFront } from "./registry_front.ts";
import { waitFor } from "./wait.ts";
import { Workspace } from "./workspace.ts";

export const PRIVATE_NEEDS = { programs: [...CONTAINERD_PROGRAMS, REGISTRY_PROGRAM], root: true };
export const REPOSITORY = "team/app";
export const LOGIN: Login = { username: "tester", password: "a secret of the test" };
/** Has a login too, for another repository. */
export const STRANGER: Login = { username: "stranger", password: "another secret" };

const MIB = 1024 * 1024;
const LAYER_BYTES = [12 * MIB, 20 * MIB];
const DEFAULT_CLUSTER = 1;
const SETTLE_TIMEOUT_MS = 60_000;
const PROBE_BYTES = 1;
/** Of a private authority, for 127.0.0.1. */
const CERTIFICATE = testCertificates("a");
const SYSTEM_STORE = "/etc/ssl/certs/ca-certificates.crt";
const WITH_OTHER_STORE = `mount --bind "$1" ${SYSTEM_STORE} && shift && exec "$@"`;

/** An image, and the registry that has it. */
export interface PrivateImage {
  readonly front: RegistryFront;
  readonly name: string;
  readonly sample: SampleImage;
}

/** A node, its peer, and how that one is started again. */
export interface PrivateNode {
  readonly containerd: ContainerdNode;
  readonly start: () => Promise<void>;
  peer: Peer;
}

/** Everything that the steps share; disposing it ends every process. */
export class PrivateStage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly nodes: PrivateNode[] = [];
  #scheduler: Scheduler | undefined;
  #pushed = 0;
  #started = 0;

  private constructor(
    stack: AsyncDisposableStack,
    readonly workspace: Workspace,
    readonly addresses: AddressBlock,
    readonly registry: Registry,
    /** Plain HTTP, for everybody. */
    readonly open: RegistryFront,
    /** TLS of a private authority, for who has the login. */
    readonly basic: RegistryFront,
    /** The same, by tokens that are good for one repository. */
    readonly token: RegistryFront,
  ) {
    this.#stack = stack;
  }

  static async start(): Promise<PrivateStage> {
    await using stack = new AsyncDisposableStack();
    const workspace = stack.use(await Workspace.create());
    const addresses = stack.use(await reserveAddresses());
    const registry = stack.use(await startRegistry({ ip: addresses.ip(1), dir: workspace.dir }));
    const front = { target: registry.url };
    const closed = { ...front, ip: "127.0.0.1", tls: CERTIFICATE };
    const open = stack.use(startFront({ ...front, ip: addresses.ip(1) }));
    const basic = stack.use(startFront({ ...closed, login: LOGIN }));
    const readers = [{ ...LOGIN, repository: REPOSITORY }, { ...STRANGER, repository: "other/app" }];
    const token = stack.use(startFront({ ...closed, readers }));
    return new PrivateStage(stack.move(), workspace, addresses, registry, open, basic, token);
  }

  get fronts(): RegistryFront[] {
    return [this.open, this.basic, this.token];
  }

  /** An image that no other shares a blob with; what the registry is asked is counted from now on. */
  async push(front: RegistryFront): Promise<PrivateImage> {
    const tag = `v${++this.#pushed}`;
    const sample = await makeSampleImage({ layerBytes: LAYER_BYTES, seed: `private-${tag}` });
    await pushSample(sample, `${this.registry.url}/v2/${REPOSITORY}`, tag);
    this.registry.forget();
    front.blobAgents.length = 0;
    return { front, name: `${hostOf(front)}/${REPOSITORY}:${tag}`, sample };
  }

  async startCluster(): Promise<void> {
    const manager = this.#stack.use(await startManager(this.#place("manager", 2)));
    const scheduler = await startScheduler(this.#place("scheduler", 3), manager.grpcUrl, DEFAULT_CLUSTER);
    this.#scheduler = this.#stack.use(scheduler);
    const upstreams = this.#upstreams(CERTIFICATE.caCert);
    await this.#startPeer("seed", 19, { managerUrl: manager.grpcUrl, isSeed: true, upstreams });

    const system = join(this.workspace.dir, "system.crt");
    await writeFile(system, await readFile(SYSTEM_STORE, "utf8") + await readFile(CERTIFICATE.caCert, "utf8"));
    const plain = this.#upstreams().slice(0, 1);
    const ways: readonly (readonly [PeerOptions, Launch])[] = [
      [{ upstreams }, fromCheckout],
      [{ upstreams: plain, cert: CERTIFICATE.caCert }, fromCheckout],
      [{ upstreams: plain }, withSystemStore(system)],
    ];
    for (const [i, [options, launch]] of ways.entries()) {
      const containerd = await this.#containerd(i);
      const start = async () => {
        const name = `node-${i + 1}-${++this.#started}`;
        node.peer = await this.#startPeer(name, 20 + i, { managerUrl: manager.grpcUrl, ...options }, launch);
      };
      const node: PrivateNode = { containerd, start, peer: undefined as unknown as Peer };
      await start();
      this.nodes.push(node);
    }
  }

  /** dfinit on all nodes. The owner has named the authority of his registries for when no peer answers. */
  async dfinit(node: PrivateNode): Promise<string> {
    return await runDfinit(node.containerd.dir, {
      hostRoot: node.containerd.hostRoot,
      mirrorUrl: node.peer.mirrorUrl,
      registries: this.fronts.map((front) => ({ hostNamespace: hostOf(front), serverAddr: front.url })),
    });
  }

  /** Fails unless the registry has sent each layer once since the push. It logs when a body ends. */
  async assertOneCopy({ sample }: PrivateImage): Promise<void> {
    const copies = () => {
      const sent = blobBytes(this.registry.requests().filter(({ bytes }) => bytes > PROBE_BYTES));
      return sample.layers.map(({ digest, size }) => (sent.get(digest) ?? 0) / size);
    };
    await waitFor("a copy of each layer in the registry's log", SETTLE_TIMEOUT_MS, () => {
      return copies().every((some) => some >= 1) || undefined;
    });
    assert.deepEqual(copies(), sample.layers.map(() => 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  #upstreams(ca?: string): { readonly namespace: string; readonly addr: string; readonly ca?: string }[] {
    return this.fronts.map((front) => ({
      namespace: hostOf(front),
      addr: front.url,
      ...(ca === undefined || front === this.open ? {} : { ca }),
    }));
  }

  async #startPeer(name: string, host: number, options: PeerOptions, launch?: Launch): Promise<Peer> {
    const peer = this.#stack.use(await startPeer(this.#place(name, host), options, launch));
    await peer.process.ready("being known to its scheduler", SETTLE_TIMEOUT_MS, async () => {
      return (await this.#scheduler?.hostIds())?.includes(peer.hostId) || undefined;
    });
    return peer;
  }

  async #containerd(i: number): Promise<ContainerdNode> {
    const programs = [installedContainerd, () => newerContainerd("1.7"), () => newerContainerd("2.x")];
    const program = programs[i];
    assert(program !== undefined);
    const name = `node-${i + 1}`;
    const node = await ContainerdNode.prepare(name, join(this.workspace.dir, name), await program());
    for (const front of [this.basic, this.token]) {
      const folder = node.hostPath(`/etc/containerd/certs.d/${hostOf(front)}`);
      await mkdir(folder, { recursive: true });
      await copyFile(CERTIFICATE.caCert, join(folder, "ca.crt"));
      await writeFile(join(folder, "hosts.toml"), `server = "${front.url}"\nca = "ca.crt"\n`);
    }
    return this.#stack.use(node);
  }

  #place(name: string, host: number) {
    return { name, ip: this.addresses.ip(host), dir: join(this.workspace.dir, name) };
  }
}

function hostOf(front: RegistryFront): string {
  return new URL(front.url).host;
}

/** A process for which the system trusts what is in `store`. */
function withSystemStore(store: string): Launch {
  return (component, configFile) => {
    const { command, args, ...rest } = fromCheckout(component, configFile);
    const script = ["--mount", "--propagation=private", "sh", "-c", WITH_OTHER_STORE, "sh", store];
    return { ...rest, command: requireProgram("unshare"), args: [...script, command, ...args] };
  };
}
