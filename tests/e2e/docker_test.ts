/** Docker Engine pulls images of Docker Hub through a peer, with what dfinit wrote into its daemon.json. */
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Peer, runDfinit, startPeer } from "./lib/components.ts";
import { DAEMON_FILE, DOCKER_PROGRAMS, DockerHost, HUB } from "./lib/dockerd.ts";
import { blobsOf, type Image } from "./lib/image.ts";
import { IMAGE_STAGE_PROGRAMS, makeCertificate, openImageStage } from "./lib/image_stage.ts";
import { e2eTest } from "./lib/programs.ts";
import { type RegistryFront, startFront } from "./lib/registry_front.ts";
import { story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";
import type { Workspace } from "./lib/workspace.ts";

const NEEDS = { programs: [...DOCKER_PROGRAMS, ...IMAGE_STAGE_PROGRAMS], root: true };
const IMAGE = "debian/tools:1.0";
const LAYER_BYTES_MIN = 1_000_000;
const RELOAD_TIMEOUT_MS = 60_000;
const DAEMON = '{\n    "log-level": "warn",\n    "max-concurrent-downloads": 2\n}\n';

/** What the steps share. */
class DockerStage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  #peer: Peer | undefined;
  #started = 0;

  private constructor(
    stack: AsyncDisposableStack,
    readonly workspace: Workspace,
    readonly image: Image,
    readonly host: DockerHost,
    /** The address of the peer. */
    readonly peerIp: string,
    /** The default registry of the peer. */
    readonly registry: RegistryFront,
    /** The same one, as the daemon finds Docker Hub. */
    readonly hub: RegistryFront,
    /** The certificate of the hub, which is its own authority. */
    readonly authority: string,
  ) {
    this.#stack = stack;
  }

  static async start(): Promise<DockerStage> {
    await using stack = new AsyncDisposableStack();
    const { workspace, addresses, image, registry } = await openImageStage(stack, "debian/tools");
    const tls = await makeCertificate(workspace, HUB);
    const open = stack.use(startFront({ ip: addresses.ip(1), target: registry.url }));
    const hub = stack.use(startFront({ ip: addresses.ip(2), port: 443, target: registry.url, tls }));
    const dir = join(workspace.dir, "docker");
    await mkdir(dir);
    const host = stack.use(await DockerHost.prepare(dir, { [HUB]: addresses.ip(2) }, DAEMON));
    return new DockerStage(stack.move(), workspace, image, host, addresses.ip(20), open, hub, tls.cert);
  }

  get mirrorUrl(): string {
    return `http://${this.peerIp}:4001`;
  }

  async dfinit(verb?: string): Promise<string> {
    return await runDfinit(this.workspace.dir, {
      hostRoot: this.host.hostRoot,
      mirrorUrl: this.mirrorUrl,
      containerRuntime: { docker: {} },
      ...(verb === undefined ? {} : { verb }),
    });
  }

  /** Starts a peer that has nothing yet. */
  async startPeer(): Promise<void> {
    const name = `dfdaemon-${++this.#started}`;
    const place = { name, ip: this.peerIp, dir: join(this.workspace.dir, name) };
    this.#peer = this.#stack.use(await startPeer(place, { registryUrl: this.registry.url }));
  }

  get peer(): Peer {
    assert(this.#peer !== undefined, "The peer has not been started");
    return this.#peer;
  }

  async assertHas(): Promise<void> {
    assert.equal(await this.host.idOf(IMAGE), this.image.config.digest);
    await this.host.remove(IMAGE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

e2eTest("Docker Engine pulls images of Docker Hub through a peer, and without it", NEEDS, async (t) => {
  await using stage = await DockerStage.start();
  const step = story(t, stage.workspace);
  const daemonFile = join(stage.host.hostRoot, DAEMON_FILE);

  await step("a daemon that runs takes the mirror that dfinit wrote without a restart", async () => {
    await stage.host.start(stage.authority);
    assert.deepEqual(await stage.host.mirrors(), []);
    assert.match(await stage.dfinit(), /systemctl reload docker/);
    stage.host.reload();
    await waitFor("the mirror in use", RELOAD_TIMEOUT_MS, async () => {
      return (await stage.host.mirrors()).join() === `${stage.mirrorUrl}/` || undefined;
    });
    assert.match(await stage.dfinit(), /^Nothing to do$/m);
  });

  await step("with the peer up, every blob comes through it", async () => {
    await stage.startPeer();
    await stage.host.pull(IMAGE);
    await stage.assertHas();
    const bytes = blobsOf(stage.image).reduce((sum, { size }) => sum + size, 0);
    assert.ok((await stage.peer.downloaded()).fromSource >= bytes);
    assert.deepEqual(stage.hub.blobAgents, []);
  });

  // Docker asks a mirror six times for a blob, with longer pauses each time, before it goes on to the hub.
  await step("a peer that dies in mid-pull does not fail it", async () => {
    await stage.peer.process.kill();
    await stage.startPeer();
    const stopped = stage.registry.holdBlobs(LAYER_BYTES_MIN);
    const dies = async () => {
      const release = await stopped;
      await stage.peer.process.kill();
      release();
    };
    await Promise.all([stage.host.pull(IMAGE), dies()]);
    await stage.assertHas();
  });

  await step("with the peer down, Docker Hub is asked itself", async () => {
    stage.hub.blobAgents.length = 0;
    await stage.host.pull(IMAGE);
    await stage.assertHas();
    assert.equal(stage.hub.blobAgents.length, blobsOf(stage.image).length);
  });

  await step("dfinit restore brings back every byte, and says that this needs a restart", async () => {
    assert.notEqual(await readFile(daemonFile, "utf8"), DAEMON);
    assert.match(await stage.dfinit("restore"), /^docker has to be restarted$/m);
    assert.equal(await readFile(daemonFile, "utf8"), DAEMON);
    await stage.host.stop();
    await stage.host.start(stage.authority);
    assert.deepEqual(await stage.host.mirrors(), []);
  });
});
