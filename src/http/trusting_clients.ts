/** Clients that are kept. */
const CLIENTS_MAX = 8;

/**
 * Clients for `fetch` that trust authorities (PEM texts that can be read) besides Mozilla's. The one that was not used
 * for longest gives way; requests that run with it go on.
 */
export class TrustingClients implements Disposable {
  readonly #clients = new Map<string, Deno.HttpClient>();

  get(authorities: readonly string[]): Deno.HttpClient {
    const key = authorities.join();
    const client = this.#clients.get(key) ?? Deno.createHttpClient({ caCerts: [...authorities] });
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
