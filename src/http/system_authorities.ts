import { certificatesOf } from "../core/certificates.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import type { Disk } from "../runtime/disk.ts";

/** Where systems keep the authorities that programs of theirs trust, container runtimes among them; the first counts. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL, Amazon Linux
  "/etc/ssl/ca-bundle.pem", // SUSE
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem", // Alpine
];
/** A system trusts some 150 authorities, of 2 KB each. */
const BUNDLE_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Whom the system trusts, as PEM texts; `problem` says why that is not known, where it has a file for it. */
export async function readSystemAuthorities(
  disk: Pick<Disk, "readText">,
): Promise<{ readonly certificates: string[]; readonly problem?: string }> {
  for (const path of SYSTEM_BUNDLES) {
    try {
      const text = await disk.readText(path);
      if (text.length > BUNDLE_CHARACTERS_MAX) return { certificates: [], problem: `${path} is too large` };
      return { certificates: certificatesOf(text) };
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "not_found") {
        return { certificates: [], problem: errorText(error) };
      }
    }
  }
  return { certificates: [] };
}
