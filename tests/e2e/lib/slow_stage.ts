/** A cluster of real processes whose parts can be made slow, each pull of which is of a content of its own. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseImageReference } from "../../../src/oci/image_reference.ts";
import { pullImage } from "../../../src/oci/image_pull.ts";
import { makeSampleImage } from "../../../src/oci/sample_image.ts";
import { SchedulerService } from "../../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { type AddressBlock, reserveAddresses } from "./addresses.ts";
import {
  type Peer,
  type PeerOptions,
  type Place,
  REPOSITORY as CHECKOUT,
  type Scheduler,
  startManager,
  startPeer,
  startScheduler,
} from "./components.ts";
import type { Login } from "./cri.ts";
import { callOnce } from "./grpc.ts";
import { run } from "./programs.ts";
import { pushSample } from "./push_sample.ts";
import { REGISTRY_PROGRAM, startRegistry } from "./registry.ts";
import { type FrontTrouble, type RegistryFront, startFront } from "./registry_front.ts";
import { waitFor } from "./wait.ts";
import { Workspace } from "./workspace.ts";

export const SLOW_STAGE_NEEDS = { programs: [REGISTRY_PROGRAM, "mount", "umount"], root: true };

const MIB = 1024 * 1024;
const LAYER_BYTES = 6 * MIB;
const LAYER_COUNT = 12;
/** Too small for a layer. */
const SMALL_VOLUME_BYTES = 2 * MIB;
const REPOSITORY = "team/app";
/** Has an image that nobody has pulled, for who signs in. */
const CLOSED_REPOSITORY = "team/closed";
const LOGIN: Login = { username: "tester", password: "a secret of the test" };
const SETTLE_TIMEOUT_MS = 60_000;
const ATTEMPTS = 5;
const DEFAULT_CLUSTER = 1;
const SCHEDULER_HOST = 3;
const UNUSED_HOST = 9;
const clock = realClock();
/** The last number of their addresses, and what they are set up for. */
const PEERS: Readonly<Record<string, readonly [host: number, options: PeerOptions]>> = {
  "seed": [20, { isSeed: true }],
  "node-1": [21, {}],
  /** Gives slowly. */
  "node-2": [22, { uploadLimit: "2MiB" }],
  /** Has a bandwidth limit. */
  "limited": [23, { bandwidthLimit: "1MiB" }],
  /** Its volume is too small. */
  "full": [24, {}],
  /** Its manager is not there, and it knows no scheduler. */
  "lonely": [25, {}],
};
const NEVER = new AbortController().signal;

/** A pull as `dfctl explain --json` tells of it. */
export interface ExplainedPull {
  readonly cause: string;
  readonly reason: string;
  readonly lost_ms: number;
  readonly error: string | null;
}

/** A registry with a front that may be slow, one that wants a sign-in, and a cluster; disposing it ends every process. */
export class SlowStage implements AsyncDisposable {
  /** What goes wrong with the contents that have these digests. */
  readonly troubles = new Map<string, () => FrontTrouble | undefined>();
  /** How long the sign-in takes. */
  signInMs = 0;
  readonly workspace: Workspace;
  readonly #addresses: AddressBlock;
  readonly #front: RegistryFront;
  readonly #token: RegistryFront;
  readonly #layers: string[];
  readonly #peers = new Map<string, Peer>();
  #scheduler: Scheduler | undefined;
  #managerUrl: string | undefined;
  #stack: AsyncDisposableStack;

  private constructor(stack: AsyncDisposableStack, { workspace, addresses, registryUrl, digests }: StageParts) {
    this.#stack = stack;
    this.workspace = workspace;
    this.#addresses = addresses;
    this.#layers = [...digests];
    const to = { ip: addresses.ip(1), target: registryUrl };
    this.#front = stack.use(startFront({ ...to, troubleOf: (request) => this.troubles.get(digestOf(request))?.() }));
    this.#token = stack.use(startFront({
      ...{ ...to, readers: [{ ...LOGIN, repository: CLOSED_REPOSITORY }] },
      troubleOf: ({ url }) => new URL(url).pathname === "/token" ? { delayMs: this.signInMs } : undefined,
    }));
  }

  static async open(): Promise<SlowStage> {
    await using stack = new AsyncDisposableStack();
    const workspace = stack.use(await Workspace.create());
    const addresses = stack.use(await reserveAddresses());
    const registry = stack.use(await startRegistry({ ip: addresses.ip(1), dir: workspace.dir }));
    const sample = await makeSampleImage({ layerBytes: Array.from({ length: LAYER_COUNT }, () => LAYER_BYTES) });
    await pushSample(sample, `${registry.url}/v2/${REPOSITORY}`, "v1");
    const closed = await makeSampleImage({ layerBytes: [MIB], seed: CLOSED_REPOSITORY });
    await pushSample(closed, `${registry.url}/v2/${CLOSED_REPOSITORY}`, "v1");
    const digests = sample.layers.map(({ digest }) => digest);
    const stage = new SlowStage(stack, { workspace, addresses, registryUrl: registry.url, digests });
    await stage.#startCluster();
    stage.#stack = stack.move();
    return stage;
  }

  get scheduler(): Scheduler {
    assert(this.#scheduler !== undefined);
    return this.#scheduler;
  }

  /** The image, at the registry that wants a sign-in. */
  get closedImage(): string {
    return `${hostOf(this.#token)}/${CLOSED_REPOSITORY}:v1`;
  }

  peer(name: string): Peer {
    const peer = this.#peers.get(name);
    assert(peer !== undefined, `there is no peer ${name}`);
    return peer;
  }

  /** The digest of a content that nobody has. */
  freshContent(trouble?: () => FrontTrouble | undefined): string {
    const digest = this.#layers.pop();
    assert(digest !== undefined, "all contents are used up");
    if (trouble !== undefined) this.troubles.set(digest, trouble);
    return digest;
  }

  /** Pulls a content as a container runtime does, which asks again what was refused for a while. */
  async pull(name: string, digest: string): Promise<void> {
    const url = `${this.peer(name).mirrorUrl}/v2/${REPOSITORY}/blobs/${digest}?ns=${hostOf(this.#front)}`;
    for (let attempt = 1;; attempt++) {
      const answer = await fetch(url);
      try {
        await answer.arrayBuffer();
        if (answer.ok) return;
        assert(attempt < ATTEMPTS, `HTTP ${answer.status}`);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
      await clock.sleep(1_000 * Number(answer.headers.get("retry-after") ?? 0), NEVER);
    }
  }

  /** Pulls all of the image from the registry that wants a sign-in. */
  async pullClosed(name: string): Promise<void> {
    const request = {
      image: parseImageReference(this.closedImage),
      endpoint: this.peer(name).mirrorUrl,
      platform: { os: "linux", architecture: "amd64" },
      credentials: LOGIN,
    };
    await pullImage(request, { fetch, clock }, NEVER);
  }

  /** What `dfctl explain` says on a host; of several contents what it says of the one that waited longest. */
  async explained(name: string, what: string): Promise<ExplainedPull> {
    const socket = join(this.#dirOf(name), "dfdaemon.sock");
    const args = ["task", "--quiet", "dfctl", "explain", what, "-e", socket, "--json"];
    const { pulls } = JSON.parse(await run(Deno.execPath(), args, { cwd: CHECKOUT })) as { pulls: ExplainedPull[] };
    const worst = pulls.toSorted((a, b) => b.lost_ms - a.lost_ms)[0];
    assert(worst !== undefined, `nothing is known of ${what}`);
    return worst;
  }

  async startPeer(name: string): Promise<Peer> {
    const [host, options] = PEERS[name] ?? [];
    assert(host !== undefined);
    const place = this.#place(name, host);
    const managerUrl = name === "lonely" ? `http://${this.#addresses.ip(UNUSED_HOST)}:65003` : this.#managerUrl;
    const upstreams = [this.#front, this.#token].map((front) => ({ namespace: hostOf(front), addr: front.url }));
    const given = { ...options, ...(managerUrl === undefined ? {} : { managerUrl }), upstreams };
    const peer = this.#stack.use(await startPeer(place, given));
    this.#peers.set(name, peer);
    return peer;
  }

  /** Waits until the scheduler knows these hosts, and no others. */
  async untilKnown(names: readonly string[]): Promise<void> {
    const wanted = names.map((name) => this.peer(name).hostId).sort();
    await waitFor("the hosts to be known", SETTLE_TIMEOUT_MS, async () => {
      return (await this.scheduler.hostIds()).sort().join() === wanted.join() || undefined;
    });
  }

  /** Waits until the scheduler knows that somebody has all of a content. */
  async untilHeld(digest: string): Promise<void> {
    const task = { taskId: digest.replace("sha256:", ""), hostId: "" };
    await waitFor("the content to be known", SETTLE_TIMEOUT_MS, async () => {
      const { state } = await callOnce(`${this.#addresses.ip(SCHEDULER_HOST)}:8002`, SchedulerService.statTask, task);
      return state === "Succeeded" || undefined;
    });
  }

  storageOf(name: string): string {
    return join(this.#dirOf(name), "storage");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #startCluster(): Promise<void> {
    const manager = this.#stack.use(await startManager(this.#place("manager", 2)));
    this.#managerUrl = manager.grpcUrl;
    const scheduler = await startScheduler(this.#place("scheduler", SCHEDULER_HOST), manager.grpcUrl, DEFAULT_CLUSTER);
    this.#scheduler = this.#stack.use(scheduler);
    const volume = this.storageOf("full");
    await mkdir(volume, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${SMALL_VOLUME_BYTES}`, "tmpfs", volume]);
    this.#stack.defer(() => run("umount", ["-l", volume]).then(() => undefined));
    await Promise.all(Object.keys(PEERS).map((name) => this.startPeer(name)));
    await this.untilKnown(Object.keys(PEERS).filter((name) => name !== "lonely"));
  }

  #dirOf(name: string): string {
    return join(this.workspace.dir, name);
  }

  #place(name: string, host: number): Place {
    return { name, ip: this.#addresses.ip(host), dir: this.#dirOf(name) };
  }
}

interface StageParts {
  readonly workspace: Workspace;
  readonly addresses: AddressBlock;
  readonly registryUrl: string;
  readonly digests: readonly string[];
}

function digestOf({ url }: Request): string {
  return new URL(url).pathname.split("/").at(-1) ?? "";
}

function hostOf({ url }: RegistryFront): string {
  return new URL(url).host;
}
