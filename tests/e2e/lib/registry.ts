/** Debian's docker-registry as the origin, and its own log as the witness of what was asked of it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "./addresses.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { answers } from "./http.ts";
import { requireProgram } from "./programs.ts";

export const REGISTRY_PROGRAM = "docker-registry";
const USUAL_PORT = 5000;
const START_TIMEOUT_MS = 60_000;

/** One answered request, as the registry logged it. */
export interface RegistryRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Body bytes that the registry sent. */
  readonly bytes: number;
  /** When it had sent them, in ISO 8601. */
  readonly endedAt: string;
}

/** A running registry with an empty store. */
export interface Registry extends AsyncDisposable {
  /** `host:port`, the registry part of image names. */
  readonly namespace: string;
  readonly url: string;
  /** All requests since the last {@link forget}, in the order of their ends. */
  requests(): RegistryRequest[];
  /** Forgets the requests so far; those of a push for instance. */
  forget(): void;
  /** Body bytes of all blobs and manifests that it has sent since it started. */
  sentBytes(): number;
}

/** Where a registry runs. */
export interface RegistryPlace {
  readonly ip: string;
  readonly dir: string;
  /** The network namespace that has the address, where it is not one of loopback; nobody else listens there. */
  readonly netns?: string;
}

/** Starts the registry without authentication: on a free port of `ip`, or on the usual one of a namespace of its own. */
export async function startRegistry(options: RegistryPlace): Promise<Registry> {
  const port = options.netns === undefined ? await freePort(options.ip) : USUAL_PORT;
  const namespace = `${options.ip}:${port}`;
  const config = join(options.dir, "registry.yml");
  await writeFile(
    config,
    stringify({
      version: "0.1",
      log: { level: "info", formatter: "json", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(options.dir, "registry-data") } },
      http: { addr: namespace, secret: "e2e" },
    }),
  );
  const process = startProcess({
    name: "registry",
    command: requireProgram(REGISTRY_PROGRAM),
    args: ["serve", config],
    logDir: options.dir,
    netns: options.netns,
  });
  const registry = new DebianRegistry(namespace, process);
  await process.ready("the API", START_TIMEOUT_MS, (signal) => answers(`${registry.url}/v2/`, signal));
  return registry;
}

class DebianRegistry implements Registry {
  readonly namespace: string;
  readonly #process: RunningProcess;
  readonly #requests: RegistryRequest[] = [];
  /** How much of the log {@link #requests} is of. */
  #readLength = 0;
  #forgotten = 0;

  constructor(namespace: string, process: RunningProcess) {
    this.namespace = namespace;
    this.#process = process;
  }

  get url(): string {
    return `http://${this.namespace}`;
  }

  requests(): RegistryRequest[] {
    this.#read();
    return this.#requests.slice(this.#forgotten);
  }

  forget(): void {
    this.#read();
    this.#forgotten = this.#requests.length;
  }

  sentBytes(): number {
    this.#read();
    const sent = this.#requests.filter(({ method, status }) => method === "GET" && status <= 206);
    return sent.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Reads whole lines that are new: tests look often, and the log grows long. */
  #read(): void {
    const log = this.#process.log();
    const end = log.lastIndexOf("\n") + 1;
    this.#requests.push(...parseRegistryLog(log.slice(this.#readLength, end)));
    this.#readLength = end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
  }
}

/** The requests in a log of docker-registry 2.x with `formatter: json`; other lines are passed over. */
export function parseRegistryLog(log: string): RegistryRequest[] {
  return log.split("\n").filter((line) => line.includes('"response completed')).map((line) => {
    const entry = JSON.parse(line) as Record<string, string | number | undefined>;
    return {
      method: String(entry["http.request.method"]),
      path: String(entry["http.request.uri"]).split("?", 1)[0] ?? "",
      status: Number(entry["http.response.status"]),
      bytes: Number(entry["http.response.written"] ?? 0),
      endedAt: String(entry["time"] ?? ""),
    };
  });
}

/** Body bytes sent of each blob, by digest. A blob that nobody asked for is absent. */
export function blobBytes(requests: readonly RegistryRequest[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const request of requests) {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(request.path)?.[1];
    if (digest === undefined || request.method !== "GET" || request.status > 206) continue;
    total.set(digest, (total.get(digest) ?? 0) + request.bytes);
  }
  return total;
}
