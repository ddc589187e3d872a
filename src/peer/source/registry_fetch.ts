import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { BoundFetch } from "../../http/bound_fetch.ts";
import { isLoopback } from "../../http/destination.ts";
import { NOT_TLS } from "../../http/not_tls.ts";
import { SELF_SIGNED } from "../../http/self_signed.ts";
import { createNodeFetch, isRefusedByFetch, type TlsIdentity, type TlsTrust } from "../../http/node_fetch.ts";
import { HttpClients } from "../../http/http_clients.ts";
import { bareHost } from "../../http/url_place.ts";

/** Authorities of requests whose connections are kept. */
const CLIENTS_MAX = 8;

/** How one origin is spoken to in TLS. PEM texts. */
export interface OriginTls {
  /** Trusted for it besides those whom everybody trusts. */
  readonly authority?: string | undefined;
  /** What we show it. */
  readonly identity?: TlsIdentity | undefined;
  /** Left out, its certificate is checked. */
  readonly skipVerify?: boolean | undefined;
}

/** Whose certificates are trusted, besides those whom the platform trusts: PEM texts. */
export interface Trust {
  /** For every origin. */
  readonly everywhere: readonly string[];
  /** For one origin (`https://host:port`) only. */
  readonly byOrigin: ReadonlyMap<string, OriginTls>;
}

/** What {@link createRegistryFetch} needs. */
export interface RegistryFetchParts {
  readonly fetch: Fetch;
  /** Whether the configuration names an origin; then it is asked as it says and not otherwise. */
  readonly isConfigured: (origin: string) => boolean;
  /** Keeps requests to the addresses that were looked at; left out, names are looked up again. */
  readonly bound?: BoundFetch | undefined;
}

/** What a request to an origin may say besides what `fetch` knows. */
export interface SourceFetchInit extends NonNullable<Parameters<Fetch>[1]> {
  /** PEM texts of authorities that are trusted besides the usual ones. */
  readonly authorities?: readonly string[];
  /** False: whoever answers is trusted. */
  readonly checksCertificates?: boolean;
  /** Where the host of the URL was found, for a request that must go nowhere else. */
  readonly addresses?: readonly string[] | undefined;
}

/** `fetch` for requests to origins. */
export type SourceFetch = (input: string | URL, init?: SourceFetchInit) => Promise<Response>;

/** HTTP for origins; disposing it closes its connections. */
export interface RegistryFetch extends Disposable {
  readonly fetch: SourceFetch;
  /** How TLS with an origin is spoken by who does not use {@link fetch}. */
  trustOf(origin: string): TlsTrust;
}

/**
 * `fetch` as container runtimes would do it: with more authorities, on all ports, and by plain HTTP where a registry of
 * this host that nobody configured speaks no TLS. Throws `invalid_argument` for what is no PEM, with the name of its
 * origin.
 */
export function createRegistryFetch({ everywhere, byOrigin }: Trust, parts: RegistryFetchParts): RegistryFetch {
  using opened = new DisposableStack();
  const open = (name: string, authorities: readonly string[], identity?: TlsIdentity) => {
    try {
      return opened.use(Deno.createHttpClient({ caCerts: [...authorities], ...identity }));
    } catch (cause) {
      throw untrusted(name, cause);
    }
  };
  const usual = everywhere.length === 0 ? undefined : open("all registries", everywhere);
  const clients = new Map<string, Deno.HttpClient>();
  for (const [origin, { authority, identity }] of byOrigin) {
    try {
      if (authority !== undefined) new X509Certificate(authority); // createHttpClient takes any text, and trusts nobody
    } catch (cause) {
      throw untrusted(origin, cause);
    }
    clients.set(origin, open(origin, trustOf(origin).authorities, identity));
  }
  const given = opened.use(new HttpClients(CLIENTS_MAX));
  const stack = opened.move();

  function trustOf(origin: string, given: readonly string[] = [], checks = true): TlsTrust {
    const { authority, identity, skipVerify = false } = byOrigin.get(origin) ?? {};
    const authorities = [...authority === undefined ? [] : [authority], ...given, ...everywhere];
    return { authorities, identity, checksCertificates: checks && !skipVerify };
  }

  function send(url: URL, options: SourceFetchInit = {}): Promise<Response> {
    const { authorities = [], checksCertificates, addresses, ...init } = options;
    const trust = trustOf(url.origin, authorities, checksCertificates);
    if (isRefusedByFetch(url) || trust.checksCertificates === false) return sendByNode(url, options);
    // In TLS the certificate says whether the right server was reached.
    if (addresses !== undefined && url.protocol === "http:" && parts.bound?.mustBind(url) === true) {
      return parts.bound.send(url, addresses, init);
    }
    const client = authorities.length > 0
      ? given.get({ caCerts: [...trust.authorities], ...trust.identity })
      : clients.get(url.origin) ?? usual;
    return parts.fetch(url, { ...init, ...(client !== undefined && { client }) });
  }

  function sendByNode(url: URL, options: SourceFetchInit = {}): Promise<Response> {
    const { authorities, checksCertificates, addresses, ...init } = options;
    return createNodeFetch(trustOf(url.origin, authorities, checksCertificates), addresses)(url, init);
  }

  return {
    trustOf: (origin) => trustOf(origin),
    fetch: async (input, init) => {
      const url = new URL(input);
      try {
        return await send(url, init);
      } catch (error) {
        if (SELF_SIGNED.test(errorText(error))) return await sendByNode(url, init);
        const isAssumed = url.protocol === "https:" && isOfThisHost(url) && !parts.isConfigured(url.origin);
        if (!isAssumed || !NOT_TLS.test(errorText(error))) throw error;
        url.protocol = "http:";
        return await send(url, init);
      }
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

function isOfThisHost(url: URL): boolean {
  const host = bareHost(url);
  return host === "localhost" || (isIP(host) !== 0 && isLoopback(host));
}

function untrusted(name: string, cause: unknown): DamselflyError {
  const text = `Cannot trust the authority given for ${name}: ${errorText(cause)}`;
  return new DamselflyError("invalid_argument", text, { cause });
}
