import { X509Certificate } from "node:crypto";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { Fetch } from "../../runtime/runtime.ts";

/** Whose certificates are trusted, besides those whom the platform trusts: PEM texts. */
export interface Trust {
  /** For every origin. */
  readonly everywhere: readonly string[];
  /** For one origin (`https://host:port`) only. */
  readonly byOrigin: ReadonlyMap<string, string>;
}

/** HTTP for origins; disposing it closes its connections. */
export interface RegistryFetch extends Disposable {
  readonly fetch: Fetch;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text that can be read; what else is in it is left out. */
export function certificatesOf(text: string): string[] {
  return (text.match(CERTIFICATE) ?? []).filter((certificate) => {
    try {
      new X509Certificate(certificate);
      return true;
    } catch {
      return false;
    }
  });
}

/** Throws `invalid_argument` for what is no PEM, with the name of its origin. */
export function createRegistryFetch({ everywhere, byOrigin }: Trust, fetch: Fetch): RegistryFetch {
  using opened = new DisposableStack();
  const open = (name: string, authorities: readonly string[]) => {
    try {
      return opened.use(Deno.createHttpClient({ caCerts: [...authorities] }));
    } catch (cause) {
      throw untrusted(name, cause);
    }
  };
  const usual = everywhere.length === 0 ? undefined : open("all registries", everywhere);
  const clients = new Map<string, Deno.HttpClient>();
  for (const [origin, authority] of byOrigin) {
    try {
      new X509Certificate(authority); // createHttpClient takes any text, and then trusts nobody
    } catch (cause) {
      throw untrusted(origin, cause);
    }
    clients.set(origin, open(origin, [authority, ...everywhere]));
  }
  const stack = opened.move();
  return {
    fetch: (input, init) => {
      const client = clients.get(new URL(input).origin) ?? usual;
      return fetch(input, { ...init, ...(client !== undefined && { client }) });
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

function untrusted(name: string, cause: unknown): DamselflyError {
  const text = `Cannot trust the authority given for ${name}: ${errorText(cause)}`;
  return new DamselflyError("invalid_argument", text, { cause });
}
