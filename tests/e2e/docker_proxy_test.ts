/** Docker Engine pulls from a private registry with a certificate and a login of its own, through the proxy of a peer. */
import assert from "node:assert/strict";
import { cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AddressBlock } from "./lib/addresses.ts";
import {
  fromCheckout,
  type Launch,
  type Peer,
  runDfinit,
  type Scheduler,
  startManager,
  startPeer,
  startScheduler,
} from "./lib/components.ts";
import { DOCKER_PROGRAMS, DockerHost, hostsText } from "./lib/dockerd.ts";
import { blobsOf, type Image } from "./lib/image.ts";
import { IMAGE_STAGE_PROGRAMS, makeCertificate, openImageStage } from "./lib/image_stage.ts";
import { e2eTest, requireProgram } from "./lib/programs.ts";
import { type RegistryFront, startFront } from "./lib/registry_front.ts";
import { story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";
import type { Workspace } from "./lib/workspace.ts";

const NEEDS = { programs: [...DOCKER_PROGRAMS, ...IMAGE_STAGE_PROGRAMS], root: true };
const LAYER_BYTES_MIN = 1_000_000;
const NAME = "reg.corp";
/** What only peers have as `/etc/hosts`, in the workspace. */
const HOSTS = "hosts";
/** Docker checks no certificate of what it finds on loopback; it asks its proxy, and never goes there itself. */
const NOWHERE = "192.0.2.1";
const LOGIN = { username: "me", password: "secret" };
const CA_ON_HOST = "/etc/dragonfly/ca.pem";
const DROP_IN = "etc/systemd/system/docker.service.d/99-damselfly.conf";
/** Of Dragonfly before its clients were in Rust, and of 0.x. */
const OLD_PORT = 65001;
const SETTLE_TIMEOUT_MS = 60_000;
const WITH_NAMES = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';

/** A node: a Docker daemon, and the peer that is its proxy. */
interface ProxiedNode {
  readonly host: DockerHost;
  readonly ip: string;
  readonly port: number;
}

/** What the steps share. */
class ProxyStage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  #started = 0;

  private constructor(
    stack: AsyncDisposableStack,
    readonly workspace: Workspace,
    readonly addresses: AddressBlock,
    readonly image: Image,
    /** The registry as everybody reaches it: in TLS, and with a login. */
    readonly front: RegistryFront,
    /** The certificate of the registry, which is its own authority. */
    readonly registryCa: string,
    readonly managerUrl: string,
    readonly scheduler: Scheduler,
  ) {
    this.#stack = stack;
  }

  static async start(): Promise<ProxyStage> {
    await using stack = new AsyncDisposableStack();
    const { workspace, addresses, image, registry } = await openImageStage(stack, "team/app");
    const { dir } = workspace;
    const tls = await makeCertificate(workspace, NAME);
    await writeFile(join(dir, HOSTS), hostsText({ [NAME]: addresses.ip(1) }));
    const front = stack.use(startFront({ ip: addresses.ip(1), target: registry.url, tls, login: LOGIN }));
    const place = (name: string, ip: string) => ({ name, ip, dir: join(dir, name) });
    const manager = stack.use(await startManager(place("manager", addresses.ip(2))));
    const managerUrl = `http://${addresses.ip(2)}:65003`;
    assert.ok(manager.restUrl !== "");
    const scheduler = stack.use(await startScheduler(place("scheduler", addresses.ip(11)), managerUrl, 1));
    return new ProxyStage(stack.move(), workspace, addresses, image, front, tls.cert, managerUrl, scheduler);
  }

  /** The registry as image names write it. */
  get registry(): string {
    return `${NAME}:${this.front.port}`;
  }

  get imageName(): string {
    return `${this.registry}/team/app:1.0`;
  }

  /** A node that knows the registry by name, with a login for it. */
  async prepareNode(number: number, port: number): Promise<ProxiedNode> {
    const dir = join(this.workspace.dir, `docker-${number}`);
    await mkdir(dir);
    const host = this.#stack.use(await DockerHost.prepare(dir, { [NAME]: NOWHERE }, "{}\n"));
    await host.login(this.registry, LOGIN);
    return { host, ip: this.addresses.ip(20 + number), port };
  }

  /** Starts a peer that has nothing yet, and that makes its own authority where there is none. */
  async startPeer({ ip, port }: ProxiedNode): Promise<Peer> {
    // One that starts again is the same host.
    const dir = join(this.workspace.dir, `dfdaemon-${++this.#started}`);
    const place = { name: `dfdaemon-${ip}`, ip, dir };
    const [caCert, caKey] = ["ca.pem", "ca.key"].map((file) => join(this.workspace.dir, file));
    const peer = this.#stack.use(
      await startPeer(place, {
        managerUrl: this.managerUrl,
        upstreams: [{ namespace: this.registry, addr: `https://${this.registry}`, ca: this.registryCa }],
        proxyServer: { caCert, caKey, generateCA: true },
        mirrorPort: port,
      }, knowingNames(join(this.workspace.dir, HOSTS))),
    );
    await peer.process.ready("being known to its scheduler", SETTLE_TIMEOUT_MS, async () => {
      return (await this.scheduler.hostIds()).includes(peer.hostId) || undefined;
    });
    return peer;
  }

  /** Has dfinit make the peer the proxy of a node's Docker; what systemd would give the daemon as its environment. */
  async dfinit({ host, ip, port }: ProxiedNode, trusts = true): Promise<Record<string, string>> {
    await mkdir(join(host.hostRoot, "etc/dragonfly"), { recursive: true });
    await cp(join(this.workspace.dir, "ca.pem"), join(host.hostRoot, CA_ON_HOST));
    const trust = trusts ? { ca: CA_ON_HOST, registries: [this.registry] } : {};
    await runDfinit(this.workspace.dir, {
      hostRoot: host.hostRoot,
      mirrorUrl: `http://${ip}:${port}`,
      containerRuntime: { docker: { proxy: "systemd", ...trust } },
    });
    const unit = await readFile(join(host.hostRoot, DROP_IN), "utf8");
    const pairs = [...unit.matchAll(/"([A-Z_]+)=([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
    return Object.fromEntries(pairs);
  }

  async pull({ host }: ProxiedNode): Promise<void> {
    await host.pull(this.imageName);
    assert.equal(await host.idOf(this.imageName), this.image.config.digest);
    await host.remove(this.imageName);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** Starts a component with an `/etc/hosts` of its own. */
function knowingNames(hostsFile: string): Launch {
  return (component, configFile) => {
    const { command, args, ...where } = fromCheckout(component, configFile);
    const inMounts = ["--mount", "--propagation=private", "sh", "-c", WITH_NAMES, "sh", hostsFile, command, ...args];
    return { ...where, command: requireProgram("unshare"), args: inMounts };
  };
}

e2eTest("Docker Engine pulls from a private registry through the proxy of its peer", NEEDS, async (t) => {
  await using stage = await ProxyStage.start();
  const step = story(t, stage.workspace);
  const blobs = blobsOf(stage.image);
  const first = await stage.prepareNode(1, 4001);
  const second = await stage.prepareNode(2, OLD_PORT);
  let peer = await stage.startPeer(first);

  await step("the peer has made an authority, whose key nobody else reads", async () => {
    assert.equal((await stat(join(stage.workspace.dir, "ca.key"))).mode & 0o777, 0o600);
  });

  await step("every blob comes through the swarm, by TLS and with the login of the node", async () => {
    await first.host.start(stage.registryCa, await stage.dfinit(first));
    await stage.pull(first);
    assert.equal(stage.front.blobAgents.length, blobs.length);
    assert.ok(stage.front.blobAgents.every((agent) => agent.startsWith("damselfly/")), stage.front.blobAgents.join());
  });

  await step("a second node, whose peer is at the old address, costs the registry no second copy", async () => {
    stage.front.blobAgents.length = 0;
    const other = await stage.startPeer(second);
    await second.host.start(stage.registryCa, await stage.dfinit(second));
    await stage.pull(second);
    assert.deepEqual(stage.front.blobAgents, []);
    assert.ok((await other.downloaded()).fromPeers > LAYER_BYTES_MIN);
    await second.host.stop();
    await other.process.stop();
  });

  await step("who has no login gets nothing, though the peer has all of it", async () => {
    await first.host.login(stage.registry, { ...LOGIN, password: "wrong" });
    await assert.rejects(stage.pull(first));
    await first.host.login(stage.registry, LOGIN);
  });

  // Docker asks again for a blob, with longer pauses each time, and goes on where it was.
  await step("a peer that dies in mid-pull and comes back does not fail it", async () => {
    await peer.process.kill();
    peer = await stage.startPeer(first);
    const stopped = stage.front.holdBlobs(LAYER_BYTES_MIN);
    const config = stage.image.config.digest.replace("sha256:", "");
    const dies = async () => {
      const release = await stopped;
      // Docker asks for a configuration only for a few seconds.
      await waitFor("the configuration", SETTLE_TIMEOUT_MS, () => peer.process.log().includes(config) || undefined);
      await peer.process.kill();
      release();
      peer = await stage.startPeer(first);
    };
    await Promise.all([stage.pull(first), dies()]);
  });

  await step(
    "a daemon that does not trust the peer's authority fails once, and then pulls past the swarm",
    async () => {
      const third = await stage.prepareNode(3, 4001);
      const distrusted = await stage.startPeer(third);
      await third.host.start(stage.registryCa, await stage.dfinit(third, false));
      await assert.rejects(stage.pull(third), /certificate/);
      await stage.pull(third);
      assert.match(distrusted.process.log(), /have it trust proxy\.server\.caCert/);
    },
  );
});
