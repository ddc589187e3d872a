import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import { DamselflyError } from "../core/error.ts";
import type { ConnStream } from "../runtime/conn_stream.ts";
import { secured } from "./secured.ts";
import type { HttpService } from "./serve.ts";

/**
 * The answer to a CONNECT whose TLS ends here: what is asked for in it is served as requests by URL, all of them for
 * the host that the CONNECT named.
 */
export interface Interception {
  /** `https://host:port`. */
  readonly origin: string;
  /** With a certificate for that host. */
  readonly secureContext: SecureContext;
  readonly service: HttpService;
  /** Called when the client asks for the certificate of another host; his connection ends then. */
  readonly onOtherName?: (name: string) => void;
  /** Called when the client goes when he has seen the certificate; not all say that they do not trust it. */
  readonly onDistrusted?: () => void;
}

/** Whether an answer to CONNECT is an interception. */
export function isInterception(answer: object): answer is Interception {
  return "secureContext" in answer;
}

/** The TLS of an interception, on what follows a CONNECT. */
export function intercepted(stream: ConnStream, interception: Interception): Duplex {
  const { origin, secureContext, onOtherName, onDistrusted } = interception;
  const host = new URL(origin).hostname;
  let isShown = false;
  const socket = secured(stream, {
    secureContext,
    SNICallback(name, done) {
      isShown = name === "" || sameHost(name, host); // there is none where the host is an address
      if (isShown) return done(null, secureContext);
      // Two names are two opinions on whom all of it is for, and only one of them was looked at.
      onOtherName?.(name);
      done(new DamselflyError("invalid_argument", `Cannot speak TLS for ${name} in a tunnel to ${host}`));
    },
  });
  socket.once("secure", () => isShown = false);
  socket.once("close", () => {
    if (isShown) onDistrusted?.();
  });
  return socket;
}

function sameHost(name: string, host: string): boolean {
  return name.toLowerCase().replace(/\.$/, "") === host.replace(/\.$/, "");
}
