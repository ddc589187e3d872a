import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { dirname } from "node:path";
import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { TlsMaterial } from "../../runtime/tls_files.ts";
import { type Authority, SERIAL_BYTES, signAuthority } from "./certificate.ts";

const LIFETIME_MS = 10 * 365 * 24 * 3_600_000;
const KEY_MODE = 0o600;

/** Where the authority is that vouches for intercepted hosts. */
export interface AuthorityPaths {
  readonly cert: string;
  readonly key: string;
}

/** The effects that making an authority needs; a `Runtime` has them. */
export interface AuthorityRuntime {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The authority in files that were read. Throws `invalid_argument` when it cannot sign for hosts. */
export function authorityOf({ cert, key }: TlsMaterial, paths: AuthorityPaths): Authority {
  const { ca: isAuthority } = new X509Certificate(cert);
  const signing = createPrivateKey(key);
  if (isAuthority && ["ec", "rsa"].includes(signing.asymmetricKeyType ?? "")) return { cert, key: signing };
  const why = isAuthority
    ? `its key is of type ${signing.asymmetricKeyType}, expected one of ECDSA or RSA`
    : "it is the certificate of a server, expected that of an authority (CA:TRUE)";
  throw new DamselflyError("invalid_argument", `Cannot sign certificates of hosts with ${paths.cert}: ${why}`);
}

/**
 * Makes an authority where there is none: a key that only its owner may read, and its certificate, for clients to
 * trust. Files that are there stay, also one without the other. Throws what writing them throws.
 */
export async function generateAuthority(paths: AuthorityPaths, runtime: AuthorityRuntime): Promise<void> {
  const { clock, disk, log, random } = runtime;
  const there = await Promise.all([disk.stat(paths.cert), disk.stat(paths.key)]);
  if (there.some((stat) => stat !== undefined)) return;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const notBeforeMs = clock.wallMs();
  const fresh = { publicKey, serial: random.bytes(SERIAL_BYTES), notBeforeMs, notAfterMs: notBeforeMs + LIFETIME_MS };
  const name = `Damselfly ${random.uuid().slice(0, 8)}`;
  for (const path of [paths.cert, paths.key]) await disk.mkdirAll(dirname(path));
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await disk.writeTextAtomic(paths.key, key, { mode: KEY_MODE });
  await disk.writeTextAtomic(paths.cert, signAuthority(name, fresh, privateKey));
  log.info("An authority for intercepted hosts was made: have the clients of this proxy trust it", {
    name,
    cert: paths.cert,
  });
}
