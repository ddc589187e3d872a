import "./http2_guard.ts";
import { CallCredentials, ChannelCredentials, experimental } from "@grpc/grpc-js";
import { isIP, type Socket } from "node:net";
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { TlsFiles, TlsMaterial } from "../runtime/tls_files.ts";

/** What grpc-js asks a connection to be made of; none of it is public in 1.14. */
interface SecureConnector {
  connect(socket: Socket): Promise<{ readonly socket: Socket; readonly secure: boolean }>;
  waitForReady(): Promise<void>;
  getCallCredentials(): CallCredentials;
  destroy(): void;
}

/**
 * Mutual TLS of a client. grpc-js' own credentials cannot serve: they name an IP address as the server's name, which
 * Deno's TLS refuses. Each new connection uses what is in the files then.
 */
export class MutualTlsCredentials extends ChannelCredentials {
  readonly #files: TlsFiles;

  constructor(files: TlsFiles) {
    super();
    this.#files = files;
  }

  override compose(): ChannelCredentials {
    return this;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(target: { readonly path: string }): SecureConnector {
    const host = experimental.splitHostPort(target.path)?.host ?? target.path;
    return {
      connect: async (socket) => ({ socket: await secured(socket, host, this.#files.current()), secure: true }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy() {},
    };
  }
}

/** Speaks TLS on a connection; fails when the other side's certificate is not of our authority or for `host`. */
function secured(socket: Socket, host: string, { caCert, cert, key }: TlsMaterial): Promise<TLSSocket> {
  const name: ConnectionOptions = isIP(host) === 0
    ? { servername: host }
    : { checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) };
  const options = {
    socket,
    cert,
    key,
    ALPNProtocols: ["h2"],
    ...(caCert === undefined ? {} : { ca: caCert }),
    ...name,
  };
  return new Promise((resolve, reject) => {
    const secure = connect(options, () => resolve(secure));
    secure.on("error", reject);
    secure.on("close", () => reject(new Error("the connection ended before TLS began")));
  });
}
