import { X509Certificate } from "node:crypto";
import { DamselflyError, errorText } from "../core/error.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readSystemAuthorities } from "../http/system_authorities.ts";
import { readTlsFiles } from "../runtime/tls_files.ts";
import {
  createRegistryFetch,
  type OriginTls,
  type RegistryFetch,
  type RegistryFetchParts,
  type SourceFetch,
  type Trust,
} from "./source/registry_fetch.ts";

/** How registries are reached, as `proxy.registryMirror` has it. */
export interface RegistryTrust {
  /** PEM file of authorities that are trusted for all of them. */
  readonly cert?: string | undefined;
  readonly upstreams: readonly {
    readonly addr: string;
    /** PEM file of authorities that are trusted for this one. */
    readonly ca?: string | undefined;
    /** PEM files of the certificate that this one is shown, and of its key. */
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly skipVerify?: boolean | undefined;
  }[];
}

/** How long a change of a file may go unnoticed. */
const REREAD_INTERVAL_MS = 30_000;

/** What {@link openRegistryClients} needs. */
export interface RegistryClientsParts extends RegistryFetchParts, Pick<Runtime, "disk" | "clock" | "log"> {}

/**
 * HTTP that trusts, besides Mozilla's authorities, those of the system and of the configuration. The files are read
 * again every 30 s, and what cannot be used then changes nothing. Throws when a file of the configuration cannot be
 * read or is no certificate.
 */
export async function openRegistryClients(
  config: RegistryTrust,
  parts: RegistryClientsParts,
): Promise<AsyncDisposable & Pick<RegistryFetch, "fetch" | "trustOf">> {
  const { trust, problem } = await readTrust(config, parts);
  if (problem !== undefined) warnOfSystem(parts, problem);
  return new RereadClients(config, parts, trust, problem);
}

class RereadClients implements AsyncDisposable {
  readonly #config: RegistryTrust;
  readonly #parts: RegistryClientsParts;
  readonly #timer: Disposable;
  #clients: RegistryFetch;
  #trust: Trust;
  /** What was wrong at the last reading, so that it is one line in the log. */
  #problem: string | undefined;
  #reading: Promise<void> | undefined;

  constructor(config: RegistryTrust, parts: RegistryClientsParts, trust: Trust, problem: string | undefined) {
    this.#config = config;
    this.#parts = parts;
    this.#trust = trust;
    this.#problem = problem;
    this.#clients = createRegistryFetch(trust, parts);
    this.#timer = parts.clock.every(REREAD_INTERVAL_MS, () => {
      this.#reading ??= this.#reread().finally(() => this.#reading = undefined);
    });
  }

  readonly fetch: SourceFetch = (input, init) => this.#clients.fetch(input, init);
  readonly trustOf: RegistryFetch["trustOf"] = (origin) => this.#clients.trustOf(origin);

  async #reread(): Promise<void> {
    const { log } = this.#parts;
    try {
      const { trust, problem } = await readTrust(this.#config, this.#parts);
      if (problem !== undefined && problem !== this.#problem) warnOfSystem(this.#parts, problem);
      this.#problem = problem;
      if (problem !== undefined || isSame(trust, this.#trust)) return;
      const next = createRegistryFetch(trust, this.#parts);
      this.#clients[Symbol.dispose](); // requests that run go on
      [this.#clients, this.#trust] = [next, trust];
      log.info("The authorities of registries have changed");
    } catch (error) {
      const problem = errorText(error);
      if (problem !== this.#problem) {
        log.warn("Authorities of registries cannot be read again; the last good ones stay in use", { problem });
      }
      this.#problem = problem;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#reading;
    this.#clients[Symbol.dispose]();
  }
}

async function readTrust(
  { cert, upstreams }: RegistryTrust,
  { disk }: RegistryClientsParts,
): Promise<{ trust: Trust; problem: string | undefined }> {
  const everybodys = cert === undefined ? undefined : await readAuthority(cert, disk);
  const own = await Promise.all(
    upstreams.map(async (row) => [new URL(row.addr).origin, await readTls(row, disk)] as const),
  );
  const { certificates, problem } = await readSystemAuthorities(disk);
  return {
    trust: {
      everywhere: [...everybodys === undefined ? [] : [everybodys], ...certificates],
      byOrigin: new Map(own.flatMap(([origin, tls]) => tls === undefined ? [] : [[origin, tls] as const])),
    },
    problem,
  };
}

/** What is said of TLS with one registry; undefined when that is nothing. */
async function readTls(
  { ca, cert, key, skipVerify }: RegistryTrust["upstreams"][number],
  disk: RegistryClientsParts["disk"],
): Promise<OriginTls | undefined> {
  if (ca === undefined && cert === undefined && skipVerify !== true) return undefined;
  const shown = cert === undefined || key === undefined ? undefined : await readTlsFiles({ cert, key }, disk);
  return {
    authority: ca === undefined ? undefined : await disk.readText(ca),
    identity: shown === undefined ? undefined : { cert: shown.cert, key: shown.key },
    skipVerify,
  };
}

async function readAuthority(path: string, disk: RegistryClientsParts["disk"]): Promise<string> {
  const text = await disk.readText(path);
  try {
    new X509Certificate(text);
    return text;
  } catch (cause) {
    const what = `Cannot trust ${path} of proxy.registryMirror.cert: ${errorText(cause)}`;
    throw new DamselflyError("invalid_argument", what, { cause });
  }
}

function warnOfSystem({ log }: RegistryClientsParts, problem: string): void {
  log.warn(
    "The system's authorities cannot be read: a registry that only they vouch for needs ca in " +
      "proxy.registryMirror.upstreams, or proxy.registryMirror.cert",
    { problem },
  );
}

function isSame(a: Trust, b: Trust): boolean {
  return JSON.stringify([a.everywhere, [...a.byOrigin]]) === JSON.stringify([b.everywhere, [...b.byOrigin]]);
}
