/** Schedulers and a manager that remember what they are told, for the tests of this folder. */
import { DamselflyError } from "../../core/error.ts";
import type { Download, Host } from "../../rpc/gen/common/v2/common.ts";
import { ManagerService, SchedulerCluster, SeedPeer } from "../../rpc/gen/manager/v2/manager.ts";
import { AsyncQueue } from "../../rpc/async_queue.ts";
import {
  type AnnouncePeerRequest,
  type AnnouncePeerResponse,
  SchedulerService,
} from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { type CallContext, service, startRpcServer } from "../../rpc/server.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { Control } from "./control.ts";
import { type ControlOptions } from "./start_control.ts";

export const NEVER = new AbortController().signal;
export const LIST_PATH = "/cache/schedulers.json";
export const TASK_ID = "ab".repeat(32);

/** A scheduler that remembers who told it what. It forgets all of it when told to. */
export class FakeScheduler implements AsyncDisposable {
  readonly hosts = new Map<string, Host>();
  readonly registers: Download[] = [];
  readonly events: string[] = [];
  readonly deleted: string[] = [];
  announcements = 0;
  /** What becomes of those who ask about a task. */
  fate: (taskId: string) => "answered" | "ignored" | "broken" = () => "answered";
  readonly #changed = new Set<() => void>();
  #server: Awaited<ReturnType<typeof startRpcServer>> | undefined;
  port = 0;

  static async start(port = 0): Promise<FakeScheduler> {
    const fake = new FakeScheduler();
    await fake.listen(port);
    return fake;
  }

  async listen(port: number): Promise<void> {
    const handlers = service(SchedulerService, {
      announceHost: ({ host }) => {
        if (host !== undefined) this.hosts.set(host.id, host);
        this.announcements++;
        this.#wake();
        return Promise.resolve({});
      },
      deleteHost: ({ hostId }) => {
        this.hosts.delete(hostId);
        this.#wake();
        return Promise.resolve({});
      },
      deleteTask: ({ taskId }) => {
        this.deleted.push(taskId);
        return Promise.resolve({});
      },
      announcePeer: (requests, context) => this.#converse(requests, context),
    });
    const { log, clock } = testRuntime();
    this.#server = await startRpcServer({
      listen: { hostname: "127.0.0.1", port },
      services: [handlers],
      log,
      clock,
      drainTimeoutMs: 10,
    });
    this.port = this.#server.port;
  }

  /** From now on it is of our make; without that it is a stock one. */
  takesHoldings(): void {
    this.#server?.setServing("damselfly.v1.Holdings", true);
  }

  setHealthy(isHealthy: boolean): void {
    this.#server?.setServing("", isHealthy);
  }

  /** Resolves when `isSo` holds. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#changed.add(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  async *#converse(
    requests: AsyncIterable<AnnouncePeerRequest>,
    { signal }: CallContext,
  ): AsyncGenerator<AnnouncePeerResponse> {
    for await (const { hostId, taskId, request } of requests) {
      this.events.push(request?.$case ?? "");
      this.#wake();
      const fate = this.fate(taskId);
      if (fate === "broken") throw new DamselflyError("unavailable", "The scheduler breaks off");
      if (fate === "ignored") await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      if (request?.$case === "registerPeerRequest") {
        if (!this.hosts.has(hostId)) throw new DamselflyError("not_found", "No such host");
        const { download } = request.value;
        if (download === undefined) throw new DamselflyError("invalid_argument", "No download");
        this.registers.push(download);
        yield download.metadataOnly
          ? { response: { $case: "metadataOnlyResponse", value: {} } }
          : { response: { $case: "needBackToSourceResponse", value: { description: "no peer has it" } } };
        this.#wake();
      }
      if (request?.$case.endsWith("FinishedRequest") && request.$case.startsWith("downloadPeer")) return;
    }
  }

  #wake(): void {
    for (const resolve of this.#changed) resolve();
    this.#changed.clear();
  }
}

export interface Listed {
  readonly port: number;
  readonly clusterId: number;
  /** What normal peers and seed peers are told of the cluster, as JSON. */
  readonly config?: { readonly client?: unknown; readonly seedClient?: unknown };
}

/** What a manager that is out of order does. */
export function outOfOrder(): never {
  throw new DamselflyError("unavailable", "No database");
}

export function jsonBytes(value: unknown): Uint8Array {
  return value === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(value));
}

/** A manager that lists what it is told to list. */
export async function startManager(list: () => readonly Listed[]) {
  const asked: string[] = [];
  const seedPeers = new AsyncQueue<string>(100);
  const handlers = service(ManagerService, {
    updateSeedPeer: ({ hostname, port, seedPeerClusterId }) => {
      seedPeers.tryPush(`${hostname} ${port} ${seedPeerClusterId}`);
      return Promise.resolve(SeedPeer.create());
    },
    keepAlive: async (requests) => {
      for await (const { hostname, clusterId } of requests) seedPeers.tryPush(`alive ${hostname} ${clusterId}`);
      seedPeers.tryPush("gone");
      return {};
    },
    listSchedulers: ({ hostname, ip, idc, schedulerClusterId }) => {
      asked.push(`${hostname} ${ip} ${idc} ${schedulerClusterId}`);
      const schedulers = list().map(({ port, clusterId, config }, index) => ({
        id: index + 1,
        hostname: "scheduler",
        ip: "127.0.0.1",
        port,
        state: "active",
        schedulerClusterId: clusterId,
        schedulerCluster: config === undefined ? undefined : SchedulerCluster.create({
          clientConfig: jsonBytes(config.client),
          seedClientConfig: jsonBytes(config.seedClient),
        }),
        seedPeers: [],
        features: Buffer.from("[]"),
      }));
      return Promise.resolve({ schedulers });
    },
  });
  const { log, clock } = testRuntime();
  const listen = { hostname: "127.0.0.1", port: 0 };
  const server = await startRpcServer({ listen, services: [handlers], log, clock, drainTimeoutMs: 10 });
  const heard = seedPeers[Symbol.asyncIterator]();
  const nextOfSeedPeers = async () => (await heard.next()).value as string;
  return {
    asked,
    nextOfSeedPeers,
    address: `127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export function options(changes: Partial<ControlOptions> = {}): ControlOptions {
  return {
    host: {
      ip: "127.0.0.1",
      hostname: "node-1",
      isSeed: false,
      idc: "fra",
      uploadPort: 4000,
      proxyPort: 4001,
      disableShared: false,
      storageDir: "/",
      version: "2.3.0",
    },
    schedulerClusterId: 0,
    listPath: LIST_PATH,
    refreshIntervalMs: 60_000,
    announceIntervalMs: 300_000,
    heldTasks: () => [],
    heldCopies: () => [],
    bandwidth: () => ({ txBandwidth: 7_000, rxBandwidth: 9_000 }),
    ...changes,
  };
}

export function download(): Download {
  return {
    url: "http://registry/blob",
    type: 0,
    priority: 6,
    filteredQueryParams: [],
    requestHeader: {},
    disableBackToSource: false,
    needBackToSource: false,
    certificateChain: [],
    prefetch: false,
    isPrefetch: false,
    needPieceContent: false,
    forceHardLink: false,
    overwrite: false,
    enableTaskIdBasedBlobDigest: true,
    metadataOnly: false,
  };
}

export async function decide(control: Control, taskId = TASK_ID): Promise<string | undefined> {
  await using session = await control.openSession(taskId, "peer-1", NEVER);
  if (session === undefined) return undefined;
  await session.send({ kind: "register", download: download() }, NEVER);
  return (await session.nextDecision(NEVER))?.kind;
}
