import { isIP } from "node:net";
import { DamselflyError } from "../core/error.ts";
import type { Fetch } from "../runtime/runtime.ts";
import { dialAny, type DialParts } from "./dial.ts";
import { type Env, goesByProxy } from "./egress.ts";
import { HttpClients } from "./http_clients.ts";
import { bareHost, portOf } from "./url_place.ts";

/** Servers whose connections are kept. */
const CLIENTS_MAX = 64;

/** What {@link BoundFetch} needs. */
export interface BoundFetchParts extends DialParts {
  readonly fetch: Fetch;
  readonly env: Env;
}

/**
 * `fetch` that goes to addresses which were looked at. Left to itself it looks a name up once more, and a name server
 * that means harm gives another answer then.
 */
export class BoundFetch implements Disposable {
  readonly #parts: BoundFetchParts;
  readonly #clients = new HttpClients(CLIENTS_MAX);

  constructor(parts: BoundFetchParts) {
    this.#parts = parts;
  }

  /** Whether a request has to be bound: neither is its host an address, nor does a proxy look the name up. */
  mustBind(url: URL): boolean {
    return isIP(bareHost(url)) === 0 && !goesByProxy(url, this.#parts.env);
  }

  /** Sends a request over plain HTTP. Throws what `fetch` throws, and `unavailable`. */
  async send(url: URL, addresses: readonly string[], init: NonNullable<Parameters<Fetch>[1]>): Promise<Response> {
    const hostname = await this.#reached(url, addresses, init.signal ?? new AbortController().signal);
    const client = this.#clients.get({ proxy: { transport: "tcp", hostname, port: portOf(url) } });
    return await this.#parts.fetch(url, { ...init, client });
  }

  /** The address to go to. Of several the one that answers first: `fetch` would have found that out. */
  async #reached(url: URL, addresses: readonly string[], signal: AbortSignal): Promise<string> {
    const [only] = addresses;
    if (only === undefined) throw new DamselflyError("unavailable", `Cannot find an address of ${bareHost(url)}`);
    if (addresses.length === 1) return only;
    using conn = await dialAny({ addresses, port: portOf(url) }, this.#parts, signal);
    return conn.remote.hostname;
  }

  [Symbol.dispose](): void {
    this.#clients[Symbol.dispose]();
  }
}
