/** A node with a real containerd that is broken in three ways: the doctor's mends, typed as printed, make it whole. */
import assert from "node:assert/strict";
import { mkdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { reserveAddresses } from "./lib/addresses.ts";
import {
  dfinitConfig,
  type Peer,
  REPOSITORY as CHECKOUT,
  startManager,
  startPeer,
  startScheduler,
} from "./lib/components.ts";
import { stringify } from "yaml";
import { CONTAINERD_PROGRAMS, ContainerdNode, installedContainerd } from "./lib/containerd.ts";
import { blobsOf, buildImage, type Image, IMAGE_PROGRAMS, pushImage } from "./lib/image.ts";
import { e2eTest } from "./lib/programs.ts";
import { type Registry, REGISTRY_PROGRAM, startRegistry } from "./lib/registry.ts";
import { story } from "./lib/story.ts";
import { Workspace } from "./lib/workspace.ts";

const NEEDS = { programs: [...CONTAINERD_PROGRAMS, ...IMAGE_PROGRAMS, REGISTRY_PROGRAM], root: true };
const REPOSITORY_NAME = "debian/tools";
const SETTLE_TIMEOUT_MS = 30_000;
/** What containerd makes when it starts, where a node has it. */
const START_MARK = "/run/containerd/containerd.sock";

/** What the doctor prints with --json. */
interface Told {
  readonly checks: readonly { readonly id: string; readonly level: string; readonly mend: string | null }[];
}

/** Runs one of our programs to its end; it may fail, which the doctor does to say that something is broken. */
async function task(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["task", "--quiet", ...args], cwd: CHECKOUT });
  const { code, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out ?? "", stderr: err ?? "" };
}

class Patient {
  readonly #workspace: Workspace;
  readonly node: ContainerdNode;
  readonly registry: Registry;
  readonly image: Image;
  readonly peer: Peer;

  constructor(workspace: Workspace, node: ContainerdNode, registry: Registry, image: Image, peer: Peer) {
    this.#workspace = workspace;
    this.node = node;
    this.registry = registry;
    this.image = image;
    this.peer = peer;
  }

  get imageName(): string {
    return `${this.registry.namespace}/${REPOSITORY_NAME}:1.0`;
  }

  get hostsToml(): string {
    return this.node.hostPath(`/etc/containerd/certs.d/${this.registry.namespace}/hosts.toml`);
  }

  /** Starts containerd anew, as systemctl would, and leaves the mark of that where a node has it. */
  async restartContainerd(): Promise<void> {
    await this.node.stop();
    await this.node.start();
    const mark = this.node.hostPath(START_MARK);
    await mkdir(dirname(mark), { recursive: true });
    await writeFile(mark, "");
    const { atime, mtime } = await stat(this.node.socket);
    await utimes(mark, atime, mtime);
  }

  /** What the doctor finds that has to be mended. */
  async findings(): Promise<{ code: number; found: Map<string, string> }> {
    const place = ["--config", join(this.#workspace.dir, "peer", "dfdaemon.yaml"), "--dfinit", this.dfinitYaml];
    const { code, stdout, stderr } = await task("doctor", ...place, "--root", this.node.hostRoot, "--json");
    assert.equal(stderr, "");
    const { checks } = JSON.parse(stdout) as Told;
    const bad = checks.filter(({ level }) => level === "fail" || level === "warn");
    return { code, found: new Map(bad.map(({ id, mend }) => [id, mend ?? ""])) };
  }

  get dfinitYaml(): string {
    return join(this.#workspace.dir, "dfinit.yaml");
  }

  /** Does what a mend says. */
  async mend(mend = ""): Promise<void> {
    if (mend === "systemctl restart containerd") return await this.restartContainerd();
    const [program, ...args] = mend.split(" ");
    assert.equal(program, "damselfly", mend);
    const { code, stderr } = await task(...args);
    assert.equal(code, 0, stderr);
  }
}

async function openPatient(stack: AsyncDisposableStack, workspace: Workspace): Promise<Patient> {
  const addresses = stack.use(await reserveAddresses());
  const image = await buildImage();
  const registry = stack.use(await startRegistry({ ip: addresses.ip(1), dir: workspace.dir }));
  await pushImage(image, registry.url, REPOSITORY_NAME, "1.0");
  const place = (name: string, last: number) => ({ name, ip: addresses.ip(last), dir: join(workspace.dir, name) });
  const manager = stack.use(await startManager(place("manager", 2)));
  const scheduler = stack.use(await startScheduler(place("scheduler", 11), manager.grpcUrl, 1));
  const upstreams = [{ namespace: registry.namespace, addr: registry.url }];
  const options = { managerUrl: manager.grpcUrl, upstreams, registryUrl: registry.url };
  stack.use(await startPeer(place("seed", 20), { ...options, isSeed: true }));
  const peer = stack.use(await startPeer(place("peer", 21), options));
  await peer.process.ready("being known to its scheduler", SETTLE_TIMEOUT_MS, async () => {
    return (await scheduler.hostIds()).includes(peer.hostId) || undefined;
  });
  const node = stack.use(
    await ContainerdNode.prepare("node", join(workspace.dir, "node"), await installedContainerd()),
  );
  const patient = new Patient(workspace, node, registry, image, peer);
  const registries = [{ hostNamespace: registry.namespace, serverAddr: registry.url }];
  const config = dfinitConfig({ hostRoot: node.hostRoot, mirrorUrl: peer.mirrorUrl, registries });
  await writeFile(patient.dfinitYaml, stringify(config));
  await patient.restartContainerd();
  return patient;
}

e2eTest("the doctor finds what keeps a containerd from its peer, and what it says mends it", NEEDS, async (t) => {
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await Workspace.create());
  const step = story(t, workspace);
  const patient = await openPatient(stack, workspace);

  await step("a containerd that was never told of the peer, and then one that has not read it yet", async () => {
    const never = await patient.findings();
    assert.deepEqual([...never.found.keys()], ["doctor.runtime.not_configured"]);
    assert.equal(never.code, 1);
    await patient.mend(never.found.get("doctor.runtime.not_configured"));
    const unread = await patient.findings();
    assert.deepEqual([...unread.found.keys()], ["doctor.runtime.restart_owed"]);
    await patient.mend(unread.found.get("doctor.runtime.restart_owed"));
    assert.deepEqual(await patient.findings(), { code: 0, found: new Map() });
  });

  await step("a hosts.toml out of which somebody took the peer", async () => {
    await writeFile(patient.hostsToml, `server = "${patient.registry.url}"\n`);
    const { found } = await patient.findings();
    assert.deepEqual([...found.keys()], ["doctor.runtime.drifted"]);
    await patient.mend(found.get("doctor.runtime.drifted"));
    assert.deepEqual(await patient.findings(), { code: 0, found: new Map() });
  });

  await step("a hosts.toml that is gone, so that the registry is one among all others", async () => {
    await rm(patient.hostsToml);
    const { found } = await patient.findings();
    await patient.mend(found.get("doctor.runtime.drifted"));
    assert.deepEqual(await patient.findings(), { code: 0, found: new Map() });
  });

  await step("then containerd pulls every blob through the peer", async () => {
    const before = await patient.peer.downloaded();
    await patient.node.pull(patient.imageName);
    const after = await patient.peer.downloaded();
    const bytes = after.fromPeers + after.fromSource - before.fromPeers - before.fromSource;
    assert.ok(bytes >= blobsOf(patient.image).reduce((sum, { size }) => sum + size, 0), `${bytes} bytes`);
  });
});
