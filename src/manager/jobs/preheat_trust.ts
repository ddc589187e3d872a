import { certificatesOf } from "../../core/certificates.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { TlsTrust } from "../../http/node_fetch.ts";
import type { Disk } from "../../runtime/disk.ts";

/** More is no file of authorities; what an order may carry is a sixteenth of it. */
const PEM_CHARACTERS_MAX = 1024 * 1024;
const PEM = "-----BEGIN";

/** `job.preheat.tls` of the configuration. */
export interface PreheatTls {
  readonly insecureSkipVerify: boolean;
  /** The path of a PEM file, or what would be in it. */
  readonly caCert?: string | undefined;
}

/**
 * Whose certificates are good for the registries of preheats. A file is read each time, so that a renewed one counts
 * at once. Throws `invalid_argument`, which names the file, for one that cannot be used.
 */
export async function readPreheatTrust(
  { insecureSkipVerify, caCert }: PreheatTls,
  disk: Pick<Disk, "readText">,
): Promise<TlsTrust> {
  const checksCertificates = !insecureSkipVerify;
  if (caCert === undefined) return { authorities: [], checksCertificates };
  const isText = caCert.includes(PEM);
  const place = isText ? "the text of job.preheat.tls.caCert" : `${caCert} of job.preheat.tls.caCert`;
  const text = isText ? caCert : await disk.readText(caCert).catch((cause) => {
    throw new DamselflyError("invalid_argument", `Cannot use ${place}: ${errorText(cause)}`, { cause });
  });
  const authorities = text.length > PEM_CHARACTERS_MAX ? [] : certificatesOf(text);
  if (authorities.length > 0) return { authorities, checksCertificates };
  throw new DamselflyError("invalid_argument", `Cannot use ${place}: it holds no certificate in PEM`);
}
