import { join } from "node:path";
import type { TlsPaths } from "../runtime/tls_files.ts";

/**
 * The files of one of two test identities for 127.0.0.1 and localhost, good for 100 years. Each is signed by an
 * authority of its own; `a` is a stranger to `b`.
 */
export function testCertificates(name: "a" | "b"): TlsPaths & { readonly caCert: string } {
  const folder = join(import.meta.dirname ?? "", "certificates", name);
  return { caCert: join(folder, "ca.pem"), cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
}

/** The files of another one, which is its own authority as `openssl req -x509` makes them. */
export function selfSignedCertificate(): TlsPaths & { readonly caCert: string } {
  const folder = join(import.meta.dirname ?? "", "certificates", "own");
  const cert = join(folder, "cert.pem");
  return { caCert: cert, cert, key: join(folder, "key.pem") };
}
