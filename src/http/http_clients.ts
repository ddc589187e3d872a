/**
 * Clients for `fetch`, one for all requests with the same options. Of more than `clientsMax` the one that was not used
 * for longest gives way; requests that run with it go on.
 */
export class HttpClients implements Disposable {
  readonly #clientsMax: number;
  readonly #clients = new Map<string, Deno.HttpClient>();

  constructor(clientsMax: number) {
    this.#clientsMax = clientsMax;
  }

  get(options: Deno.CreateHttpClientOptions & Partial<Deno.TlsCertifiedKeyPem>): Deno.HttpClient {
    const key = JSON.stringify(options);
    const client = this.#clients.get(key) ?? Deno.createHttpClient(options);
    this.#clients.delete(key);
    this.#clients.set(key, client);
    const [oldest] = this.#clients;
    if (this.#clients.size > this.#clientsMax && oldest !== undefined) {
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
