import type { TlsIdentity } from "./node_fetch.ts";

/** Clients that are kept. */
const CLIENTS_MAX = 8;

/**
 * Clients for `fetch` that trust authorities (PEM texts that can be read) besides Mozilla's. The one that was not used
 * for longest gives way; requests that run with it go on. With `identity` that certificate is shown to servers.
 */
export class TrustingClients implements Disposable {
  readonly #clients = new Map<string, Deno.HttpClient>();

  get(authorities: readonly string[], identity?: TlsIdentity): Deno.HttpClient {
    const key = [...authorities, identity?.cert].join();
    const client = this.#clients.get(key) ?? Deno.createHttpClient({ caCerts: [...authorities], ...identity });
    this.#clients.delete(key);
    this.#clients.set(key, client);
    const [oldest] = this.#clients;
    if (this.#clients.size > CLIENTS_MAX && oldest !== undefined) {
      this.#clients.delete(oldest[0]);
      oldest[1].close();
    }
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}
