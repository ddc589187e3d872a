import { X509Certificate } from "node:crypto";
import { DamselflyError, errorText } from "../../core/error.ts";

/** A registry that is reached in another way than the usual one; a row of `proxy.registryMirror.upstreams`. */
export interface Upstream {
  /** Its URL. */
  readonly addr: string;
  /** PEM text of authorities that are trusted for it besides the system's. */
  readonly ca: string;
}

/** HTTP clients for origins with authorities of their own. */
export interface UpstreamClients extends Disposable {
  /** The client for an origin (`https://host:port`); undefined: the usual one. */
  clientFor(origin: string): Deno.HttpClient | undefined;
}

/** Creates the clients; each trusts its authority for its own origin only. Throws `invalid_argument` for a bad PEM. */
export function createUpstreamClients(upstreams: readonly Upstream[]): UpstreamClients {
  using opened = new DisposableStack();
  const clients = new Map<string, Deno.HttpClient>();
  for (const { addr, ca } of upstreams) {
    const { origin } = new URL(addr);
    try {
      new X509Certificate(ca); // createHttpClient takes any text, and then trusts nobody
      clients.set(origin, opened.use(Deno.createHttpClient({ caCerts: [ca] })));
    } catch (cause) {
      const text = `Cannot trust the authority given for ${origin}: ${errorText(cause)}`;
      throw new DamselflyError("invalid_argument", text, { cause });
    }
  }
  const stack = opened.move();
  return { clientFor: (origin) => clients.get(origin), [Symbol.dispose]: () => stack.dispose() };
}
