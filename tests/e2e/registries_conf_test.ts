/** Podman and CRI-O pull through a peer, from registries that they name in the mirror's path, as dfinit wrote it. */
import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testCertificates } from "../../src/testing/certificates.ts";
import type { AddressBlock } from "./lib/addresses.ts";
import { type Peer, runDfinit, startPeer } from "./lib/components.ts";
import { blobsOf, type Image } from "./lib/image.ts";
import { IMAGE_STAGE_PROGRAMS, openImageStage } from "./lib/image_stage.ts";
import { CRIO_NEEDS, CrioHost } from "./lib/crio.ts";
import { PODMAN_PROGRAMS, PodmanHost } from "./lib/podman.ts";
import { e2eTest, type Needs } from "./lib/programs.ts";
import type { RegistriesConfHost } from "./lib/registries_conf_host.ts";
import { type RegistryFront, startFront } from "./lib/registry_front.ts";
import { type Step, story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";
import type { Workspace } from "./lib/workspace.ts";

/** What one of the runtimes is called, by people and in dfinit.yaml, and how a host with it is made. */
interface Kind {
  readonly name: string;
  readonly key: "podman" | "crio";
  readonly needs: Needs;
  readonly prepare: (dir: string) => Promise<RegistriesConfHost>;
}

const KINDS: readonly Kind[] = [
  { name: "Podman", key: "podman", needs: { programs: PODMAN_PROGRAMS }, prepare: PodmanHost.prepare },
  { name: "CRI-O", key: "crio", needs: CRIO_NEEDS, prepare: CrioHost.prepare },
];

/** Of a private authority, for 127.0.0.1. */
const CERTIFICATE = testCertificates("a");
const REPOSITORY = "debian/tools";
const LOGIN = { username: "tester", password: "a secret of the test" };
/** A blob of this size is the larger one of the layers. */
const LAYER_BYTES_MIN = 8_000_000;
/** So much of a blob has come that the pull is in the middle of it. */
const BEGUN_BYTES = 2 * 1024 * 1024;
const BEGIN_TIMEOUT_MS = 60_000;

/** What the steps share. */
class RegistriesConfStage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  #peer: Peer | undefined;
  #started = 0;

  private constructor(
    stack: AsyncDisposableStack,
    readonly workspace: Workspace,
    readonly addresses: AddressBlock,
    readonly image: Image,
    readonly kind: Kind,
    readonly host: RegistriesConfHost,
    /** Plain HTTP, for everybody. */
    readonly open: RegistryFront,
    /** TLS of a private authority, for who has the login. */
    readonly closed: RegistryFront,
  ) {
    this.#stack = stack;
  }

  static async start(kind: Kind): Promise<RegistriesConfStage> {
    await using stack = new AsyncDisposableStack();
    const { workspace, addresses, image, registry } = await openImageStage(stack, REPOSITORY);
    const open = stack.use(startFront({ ip: addresses.ip(1), target: registry.url }));
    const closed = stack.use(startFront({ ip: "127.0.0.1", target: registry.url, tls: CERTIFICATE, login: LOGIN }));
    const host = stack.use(await kind.prepare(join(workspace.dir, kind.key)));
    const trusted = host.files.path(`/etc/containers/certs.d/127.0.0.1:${closed.port}`);
    await mkdir(trusted, { recursive: true });
    await copyFile(CERTIFICATE.caCert, join(trusted, "ca.crt"));
    const plain = `[[registry]]\nlocation = "${new URL(open.url).host}"\ninsecure = true\n`;
    await mkdir(host.files.path("/etc/containers/registries.conf.d"), { recursive: true });
    await writeFile(host.files.path("/etc/containers/registries.conf.d/50-of-the-owner.conf"), plain);
    await host.start();
    return new RegistriesConfStage(stack.move(), workspace, addresses, image, kind, host, open, closed);
  }

  /** The registry part of image names, and what dfinit calls a location. */
  name(front: RegistryFront): string {
    return new URL(front.url).host;
  }

  imageOf(front: RegistryFront): string {
    return `${this.name(front)}/${REPOSITORY}:1.0`;
  }

  get mirrorUrl(): string {
    return `http://${this.addresses.ip(20)}:4001`;
  }

  async dfinit(verb?: string): Promise<string> {
    const registries = [this.open, this.closed].map((front) => ({
      prefix: this.name(front),
      location: this.name(front),
    }));
    const said = await runDfinit(this.workspace.dir, {
      hostRoot: this.host.files.hostRoot,
      mirrorUrl: this.mirrorUrl,
      containerRuntime: { [this.kind.key]: { registries } },
      ...(verb === undefined ? {} : { verb }),
    });
    await this.host.reload();
    return said;
  }

  /** Starts a peer that has nothing yet. */
  async startPeer(): Promise<Peer> {
    const name = `dfdaemon-${++this.#started}`;
    const place = { name, ip: this.addresses.ip(20), dir: join(this.workspace.dir, name) };
    const upstreams = [
      { namespace: this.name(this.open), addr: this.open.url },
      { namespace: this.name(this.closed), addr: this.closed.url, ca: CERTIFICATE.caCert },
    ];
    return this.#peer = this.#stack.use(await startPeer(place, { upstreams }));
  }

  get peer(): Peer {
    assert(this.#peer !== undefined, "The peer has not been started");
    return this.#peer;
  }

  /** Pulls with the login of the front, and tells how many bytes of the image came through the peer. */
  async pull(front: RegistryFront): Promise<number> {
    const bytes = async () => Object.values(await this.peer.downloaded()).reduce((sum, some) => sum + some, 0);
    const before = await bytes();
    front.blobAgents.length = 0;
    await this.tryPull(front);
    await this.assertHas(front);
    return await bytes() - before;
  }

  async tryPull(front: RegistryFront): Promise<void> {
    await this.host.pull(this.imageOf(front), front === this.closed ? LOGIN : undefined);
  }

  async assertHas(front: RegistryFront): Promise<void> {
    assert.equal(await this.host.idOf(this.imageOf(front)), this.image.config.digest);
    await this.host.remove(this.imageOf(front));
  }

  get imageBytes(): number {
    return blobsOf(this.image).reduce((sum, { size }) => sum + size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

for (const kind of KINDS) {
  const needs = { ...kind.needs, programs: [...kind.needs.programs, ...IMAGE_STAGE_PROGRAMS], root: true };
  e2eTest(`${kind.name} pulls public and private images through a peer, and without it`, needs, async (t) => {
    await using stage = await RegistriesConfStage.start(kind);
    const step = story(t, stage.workspace);
    await isConfigured(stage, step);
    await peerServes(stage, step);
    await peerDies(stage, step);
    await isRestored(stage, step);
  });
}

function dropInOf({ host }: RegistriesConfStage): string {
  return host.files.path("/etc/containers/registries.conf.d/99-damselfly.conf");
}

function isOurs(agent: string): boolean {
  return agent.startsWith("damselfly/");
}

async function isConfigured(stage: RegistriesConfStage, step: Step): Promise<void> {
  await step("dfinit adds one file, and nothing when it runs again", async () => {
    await stage.dfinit();
    const text = await readFile(dropInOf(stage), "utf8");
    assert.match(text, new RegExp(`location = "${stage.addresses.ip(20)}:4001/127.0.0.1__${stage.closed.port}"`));
    assert.match(await stage.dfinit(), /^Nothing to do$/m);
  });
}

async function peerServes(stage: RegistriesConfStage, step: Step): Promise<void> {
  await step("with the peer up, every blob of a public image comes through it", async () => {
    await stage.startPeer();
    assert.ok(await stage.pull(stage.open) >= stage.imageBytes);
    assert.ok(stage.open.blobAgents.length > 0 && stage.open.blobAgents.every(isOurs), `${stage.open.blobAgents}`);
  });

  await step(
    "a private image whose login the mirror does not have is pulled past it, and the log says so",
    async () => {
      await stage.pull(stage.closed);
      assert.ok(stage.closed.blobAgents.length > 0 && !stage.closed.blobAgents.some(isOurs));
      assert.match(stage.peer.process.log(), new RegExp(`podman login [^"]*/127\\.0\\.0\\.1__${stage.closed.port}`));
    },
  );

  await step("with the login for the mirror that the log names, it comes through the peer", async () => {
    const mirror = `${stage.addresses.ip(20)}:4001/127.0.0.1__${stage.closed.port}`;
    await stage.host.login(mirror, LOGIN);
    assert.ok(await stage.pull(stage.closed) >= stage.imageBytes);
    // The blobs are here from the public registry; what the private one is asked is who may have them.
    assert.equal(stage.closed.blobAgents.filter((agent) => !isOurs(agent)).length, 0);
  });
}

async function peerDies(stage: RegistriesConfStage, step: Step): Promise<void> {
  await step("a peer that dies in mid-pull costs one try at most, and the next one goes past it", async () => {
    await pullWhilePeerDies(stage);
    await stage.assertHas(stage.open);
  });

  await step("with the peer down, public and private images are pulled all the same", async () => {
    for (const front of [stage.open, stage.closed]) {
      await stage.tryPull(front);
      await stage.assertHas(front);
    }
  });
}

async function isRestored(stage: RegistriesConfStage, step: Step): Promise<void> {
  await step("dfinit restore leaves nothing behind", async () => {
    await stage.dfinit("restore");
    await assert.rejects(readFile(dropInOf(stage)), { code: "ENOENT" });
    assert.match(await stage.dfinit("restore"), /^Nothing to do$/m);
  });
}

/** Pulls through a peer that has nothing yet and dies in the middle of a layer; once more if that failed the pull. */
async function pullWhilePeerDies(stage: RegistriesConfStage): Promise<void> {
  await stage.peer.process.kill();
  await stage.startPeer();
  const stopped = stage.open.holdBlobs(LAYER_BYTES_MIN);
  const dies = async () => {
    const release = await stopped;
    await waitFor("the beginning of a layer", BEGIN_TIMEOUT_MS, async () => {
      return await stage.host.files.largestDownload() > BEGUN_BYTES || undefined;
    });
    await stage.peer.process.kill();
    release();
  };
  const [pull, death] = await Promise.allSettled([stage.tryPull(stage.open), dies()]);
  assert.equal(death.status, "fulfilled");
  // Podman 4.3 tries again after a connection that was reset, and not after one that ended early.
  if (pull.status === "rejected") {
    assert.match(String(pull.reason), /unexpected EOF|connection refused/);
    await stage.tryPull(stage.open);
  }
}
