import { X509Certificate } from "node:crypto";
import { DamselflyError, errorText } from "./error.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text that can be read, each as PEM; what else is in it is left out. */
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

/** A certificate in DER as PEM. Throws `invalid_argument`. */
export function pemOfDer(der: Uint8Array): string {
  try {
    return new X509Certificate(der).toString();
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `Cannot read a certificate: ${errorText(cause)}`, { cause });
  }
}

/** A certificate in PEM, which can be read, as DER. */
export function derOfPem(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new X509Certificate(pem).raw);
}
