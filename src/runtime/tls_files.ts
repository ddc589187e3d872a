import { createPrivateKey, X509Certificate } from "node:crypto";
import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Log } from "./log.ts";

/** How often the files are read again: how long a renewed certificate may go unnoticed. */
const REREAD_INTERVAL_MS = 10_000;
/** More is no file of certificates. */
const PEM_CHARACTERS_MAX = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The PEM files of one side of TLS; with `caCert` the other side needs a certificate of that authority. */
export interface TlsPaths {
  readonly caCert?: string | undefined;
  readonly cert: string;
  readonly key: string;
}

/** What is in the files of {@link TlsPaths}. */
export interface TlsMaterial {
  readonly caCert: string | undefined;
  readonly cert: string;
  readonly key: string;
}

/** The PEM files of a client, which need not have a certificate of its own. */
export type ClientTlsPaths = { readonly [Key in keyof TlsPaths]?: TlsPaths[Key] | undefined };

/** What is in the files of {@link ClientTlsPaths}. */
export type ClientTlsMaterial = { readonly [Key in keyof TlsMaterial]: TlsMaterial[Key] | undefined };

/** What `node:tls` is told as a client: what is absent stays out, for undefined would be refused. */
export function nodeTlsOf({ caCert, cert, key }: ClientTlsMaterial) {
  return {
    ...(caCert === undefined ? {} : { ca: caCert }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** The effects that {@link openTlsFiles} needs; a `Runtime` has them. */
export interface TlsRuntime {
  readonly disk: Pick<Disk, "readText">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Certificates that follow their files, so that renewing them needs no restart. Disposing it ends that. */
export interface TlsFiles<Material extends ClientTlsMaterial = TlsMaterial> extends AsyncDisposable {
  /** What was in the files when they were last good together. */
  current(): Material;
  /** Calls `listener` after each change until disposed. */
  onChange(listener: (material: Material) => void): Disposable;
}

/** {@link TlsFiles} of a client. */
export type ClientTlsFiles = TlsFiles<ClientTlsMaterial>;

/**
 * Reads the files, and again every 10 s. Fails with `invalid_argument`, which names the file, when one is absent, holds
 * no certificate or key, or when key and certificate do not belong together. Later such a change is only warned of, and
 * what was good stays in use.
 */
export async function openTlsFiles(paths: TlsPaths, runtime: TlsRuntime): Promise<TlsFiles> {
  return await RereadFiles.open(() => readTlsFiles(paths, runtime.disk), paths, runtime);
}

/** {@link openTlsFiles} of a client, whose certificate and key may be left out, both of them. */
export async function openClientTlsFiles(paths: ClientTlsPaths, runtime: TlsRuntime): Promise<ClientTlsFiles> {
  const { caCert, cert, key } = paths;
  if (cert !== undefined && key !== undefined) return await openTlsFiles({ caCert, cert, key }, runtime);
  const readOwn = async () => {
    return { caCert: await readAuthorities(caCert, runtime.disk), cert: undefined, key: undefined };
  };
  return await RereadFiles.open<ClientTlsMaterial>(readOwn, paths, runtime);
}

/** {@link openTlsFiles} where TLS is configured; undefined where it is not. */
export async function openOptionalTlsFiles(
  paths: TlsPaths | undefined,
  runtime: TlsRuntime,
): Promise<TlsFiles | undefined> {
  return paths === undefined ? undefined : await openTlsFiles(paths, runtime);
}

class RereadFiles<Material extends ClientTlsMaterial> implements TlsFiles<Material> {
  readonly #read: () => Promise<Material>;
  readonly #paths: ClientTlsPaths;
  readonly #runtime: TlsRuntime;
  readonly #listeners = new Set<(material: Material) => void>();
  readonly #timer: Disposable;
  #material: Material;
  #reading: Promise<void> | undefined;
  /** What was wrong at the last reading, so that it is one line in the log. */
  #trouble: string | undefined;

  static async open<Material extends ClientTlsMaterial>(
    read: () => Promise<Material>,
    paths: ClientTlsPaths,
    runtime: TlsRuntime,
  ): Promise<TlsFiles<Material>> {
    return new RereadFiles(read, await read(), paths, runtime);
  }

  private constructor(read: () => Promise<Material>, material: Material, paths: ClientTlsPaths, runtime: TlsRuntime) {
    this.#read = read;
    this.#paths = paths;
    this.#material = material;
    this.#runtime = runtime;
    warnOfEnd(material, paths, runtime);
    this.#timer = runtime.clock.every(REREAD_INTERVAL_MS, () => {
      this.#reading ??= this.#reread().finally(() => this.#reading = undefined);
    });
  }

  current(): Material {
    return this.#material;
  }

  onChange(listener: (material: Material) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  async #reread(): Promise<void> {
    const { log } = this.#runtime;
    try {
      const next = await this.#read();
      this.#trouble = undefined;
      const { caCert, cert, key } = this.#material;
      if (next.caCert === caCert && next.cert === cert && next.key === key) return;
      this.#material = next;
      log.info("TLS files were renewed", { cert: this.#paths.cert ?? this.#paths.caCert });
      warnOfEnd(next, this.#paths, this.#runtime);
      for (const listener of this.#listeners) this.#tell(listener, next);
    } catch (error) {
      const trouble = errorText(error);
      if (trouble !== this.#trouble) log.warn("TLS files cannot be renewed; the last good ones stay in use", { error });
      this.#trouble = trouble;
    }
  }

  /** What one cannot use, such as a kind of key that its TLS does not know, is not kept from the others. */
  #tell(listener: (material: Material) => void, material: Material): void {
    try {
      listener(material);
    } catch (error) {
      this.#runtime.log.error("Renewed TLS files cannot be used everywhere: restart, or renew them again", { error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#reading;
  }
}

/** Reads the files once. Fails as {@link openTlsFiles} does. */
export async function readTlsFiles(paths: TlsPaths, disk: Pick<Disk, "readText">): Promise<TlsMaterial> {
  const [caCert, cert, key] = await Promise.all([
    readAuthorities(paths.caCert, disk),
    readCertificates(paths.cert, disk),
    readPem(paths.key, disk),
  ]);
  const own = new X509Certificate(cert);
  let belongs: boolean;
  try {
    belongs = own.checkPrivateKey(createPrivateKey(key));
  } catch {
    // The cause is left out: it may quote the key.
    throw new DamselflyError("invalid_argument", `Cannot use TLS file ${paths.key}: it holds no private key in PEM`);
  }
  if (!belongs) {
    const message = `Cannot use TLS file ${paths.key}: it is not the key of the certificate in ${paths.cert}`;
    throw new DamselflyError("invalid_argument", message);
  }
  return { caCert, cert, key };
}

async function readAuthorities(path: string | undefined, disk: Pick<Disk, "readText">): Promise<string | undefined> {
  return path === undefined ? undefined : await readCertificates(path, disk);
}

async function readCertificates(path: string, disk: Pick<Disk, "readText">): Promise<string> {
  const text = await readPem(path, disk);
  const certificates = text.match(CERTIFICATE) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `Cannot use TLS file ${path}: one of its certificates is damaged`, {
      cause,
    });
  }
  if (certificates.length > 0) return text;
  throw new DamselflyError("invalid_argument", `Cannot use TLS file ${path}: it holds no certificate in PEM`);
}

async function readPem(path: string, disk: Pick<Disk, "readText">): Promise<string> {
  let text: string;
  try {
    text = await disk.readText(path);
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `Cannot use TLS file ${path}: ${errorText(cause)}`, { cause });
  }
  if (text.length <= PEM_CHARACTERS_MAX) return text;
  throw new DamselflyError("invalid_argument", `Cannot use TLS file ${path}: it is too large for certificates`);
}

/** An outdated certificate is used all the same: whoever connects says so too, and a start must not depend on it. */
function warnOfEnd({ cert }: ClientTlsMaterial, paths: ClientTlsPaths, { clock, log }: TlsRuntime): void {
  if (cert === undefined) return;
  const { validTo } = new X509Certificate(cert);
  if (Date.parse(validTo) < clock.wallMs()) {
    log.warn("A TLS certificate is outdated: renew it", { cert: paths.cert, validTo });
  }
}
