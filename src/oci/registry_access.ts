import { createGuardedFetch } from "../http/guarded_fetch.ts";
import { Destinations } from "../http/destination.ts";
import { createNodeFetch, isRefusedByFetch, type TlsTrust } from "../http/node_fetch.ts";
import { HttpClients } from "../http/http_clients.ts";
import type { Fetch, Runtime } from "../runtime/runtime.ts";

/** Nobody whose address is known: he has no right to what only this host's own processes may ask for. */
const ELSEWHERE = "";

/** Authorities of orders whose connections are kept. */
const CLIENTS_MAX = 8;

/** How a service that reads images for others reaches registries. */
export interface RegistryAccessOptions {
  readonly runtime: Pick<Runtime, "fetch" | "net">;
  /** URLs of registries whose addresses are not questioned. */
  readonly allowed: readonly string[];
  /** The key of the configuration that names them. */
  readonly key: string;
  /** Whether the service is on a loopback address: then all of its cluster is on this machine, its registry too. */
  readonly isOnLoopback: boolean;
}

/**
 * The way to registries for those who read images for others: whoever orders a job names the URL, and must not reach by
 * it what only this host can reach (see {@link Destinations}).
 */
export class RegistryAccess implements Disposable {
  readonly #options: RegistryAccessOptions;
  readonly #clients = new HttpClients(CLIENTS_MAX);
  readonly #destinations: Destinations;

  constructor(options: RegistryAccessOptions) {
    const { runtime, allowed, key } = options;
    this.#options = options;
    const origins = new Set(allowed.map((url) => new URL(url).origin));
    this.#destinations = new Destinations(runtime.net, { isConfigured: (origin) => origins.has(origin), key });
  }

  /** `fetch` for one job, on all ports, which trusts whom its order trusts besides Mozilla's authorities. */
  fetch({ authorities, checksCertificates = true }: TlsTrust): Fetch {
    const { runtime, isOnLoopback } = this.#options;
    const byNode = createNodeFetch({ authorities, checksCertificates });
    const fetch: Fetch = (input, init) => {
      if (!checksCertificates || isRefusedByFetch(new URL(input))) return byNode(input, init);
      const client = authorities.length === 0 ? {} : { client: this.#clients.get({ caCerts: [...authorities] }) };
      return runtime.fetch(input, { ...init, ...client });
    };
    return createGuardedFetch(fetch, this.#destinations, isOnLoopback ? undefined : ELSEWHERE);
  }

  [Symbol.dispose](): void {
    this.#clients[Symbol.dispose]();
  }
}
