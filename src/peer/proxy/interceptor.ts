import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { errorText } from "../../core/error.ts";
import { openTlsFiles } from "../../runtime/tls_files.ts";
import { authorityOf, type AuthorityPaths, type AuthorityRuntime, generateAuthority } from "./authority.ts";
import { type Authority, SERIAL_BYTES, signServerCertificate } from "./certificate.ts";

const HOUR_MS = 3_600_000;
/** How long the certificate of a host is good. */
const LIFETIME_MS = 48 * HOUR_MS;
/** How long before its end another one is made; a client that has begun goes on with it. */
const RENEWED_BEFORE_END_MS = 12 * HOUR_MS;
/** Clocks of clients may be behind by as much. */
const CLOCK_SKEW_MS = HOUR_MS;
/** Hosts whose certificates are kept; the one that was not used for longest gives way. */
const CERTIFICATES_MAX = 1_000;

/** Makes the certificates of hosts whose TLS ends at this proxy. */
export interface Interceptor extends AsyncDisposable {
  /** TLS for a host, with a certificate that is good for it alone. */
  contextFor(hostname: string): SecureContext;
}

/**
 * Opens the authority that signs them, or with `mayGenerate` makes it where it is not there. When its files change the
 * new one signs. Throws `invalid_argument` when they cannot be used.
 */
export async function openInterceptor(
  { mayGenerate, ...paths }: AuthorityPaths & { readonly mayGenerate: boolean },
  runtime: AuthorityRuntime,
): Promise<Interceptor> {
  if (mayGenerate) await generateAuthority(paths, runtime);
  await using stack = new AsyncDisposableStack();
  const files = stack.use(await openTlsFiles(paths, runtime));
  const certificates = new HostCertificates(authorityOf(files.current(), paths), runtime);
  stack.use(files.onChange((material) => {
    try {
      certificates.signWith(authorityOf(material, paths));
    } catch (error) {
      runtime.log.warn("The last good authority signs on", { problem: errorText(error) });
    }
  }));
  const opened = stack.move();
  return {
    contextFor: (hostname) => certificates.contextFor(hostname),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface HostCertificate {
  readonly context: SecureContext;
  readonly renewAtMs: number;
}

class HostCertificates {
  readonly #runtime: Pick<AuthorityRuntime, "clock" | "random">;
  /** One for all hosts: what vouches for a host is its certificate. */
  readonly #pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #made = new Map<string, HostCertificate>();
  #authority: Authority;

  constructor(authority: Authority, runtime: Pick<AuthorityRuntime, "clock" | "random">) {
    this.#authority = authority;
    this.#runtime = runtime;
  }

  signWith(authority: Authority): void {
    this.#authority = authority;
    this.#made.clear();
  }

  contextFor(hostname: string): SecureContext {
    const name = hostname.toLowerCase().replace(/\.$/, "");
    const known = this.#made.get(name);
    const isGood = known !== undefined && this.#runtime.clock.wallMs() < known.renewAtMs;
    const certificate = isGood ? known : this.#make(name);
    this.#made.delete(name);
    this.#made.set(name, certificate);
    const [oldest] = this.#made.keys();
    if (this.#made.size > CERTIFICATES_MAX && oldest !== undefined) this.#made.delete(oldest);
    return certificate.context;
  }

  #make(name: string): HostCertificate {
    const { clock, random } = this.#runtime;
    const now = clock.wallMs();
    // What outlives its authority is refused by some clients.
    const notAfterMs = Math.min(now + LIFETIME_MS, Date.parse(new X509Certificate(this.#authority.cert).validTo));
    const { publicKey, privateKey } = this.#pair;
    const fresh = { publicKey, serial: random.bytes(SERIAL_BYTES), notBeforeMs: now - CLOCK_SKEW_MS, notAfterMs };
    const own = signServerCertificate(name, fresh, this.#authority);
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    // The authority comes along, with what vouches for it: clients may know that alone.
    const context = createSecureContext({ cert: `${own.trimEnd()}\n${this.#authority.cert}`, key });
    return { context, renewAtMs: notAfterMs - RENEWED_BEFORE_END_MS };
  }
}
