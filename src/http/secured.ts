import { createSecureContext, type SecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import type { TlsFiles, TlsMaterial } from "../runtime/tls_files.ts";
import type { ConnStream } from "../runtime/conn_stream.ts";

/** Speaks TLS, as a server, on connections that were accepted; new ones are shown a renewed certificate. */
export class SecuredStreams implements Disposable {
  readonly #renewal: Disposable;
  #context: SecureContext;

  /** `tls` must outlive it. */
  constructor(tls: TlsFiles) {
    this.#context = contextOf(tls.current());
    this.#renewal = tls.onChange((material) => this.#context = contextOf(material));
  }

  /** What is read and written in TLS on `stream`. */
  wrap(stream: ConnStream): Duplex {
    return secured(stream, { secureContext: this.#context });
  }

  [Symbol.dispose](): void {
    this.#renewal[Symbol.dispose]();
  }
}

/** What is read and written in TLS, as its server and for HTTP/1.1, on `stream`. Each of the two ends with the other. */
export function secured(stream: ConnStream, options: Pick<TLSSocketOptions, "secureContext" | "SNICallback">): Duplex {
  // Node takes any stream for it, which its types do not say.
  const socket = new TLSSocket(stream as unknown as Socket, {
    ...options,
    isServer: true,
    ALPNProtocols: ["http/1.1"],
  });
  socket.on("error", () => {}); // it closes, which is all that anybody needs to know
  socket.once("close", () => stream.destroySoon());
  stream.once("close", () => socket.destroy());
  return socket;
}

function contextOf({ cert, key }: TlsMaterial): SecureContext {
  return createSecureContext({ cert, key });
}
