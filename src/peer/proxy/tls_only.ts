import { DamselflyError } from "../../core/error.ts";
import type { Conn } from "../../runtime/net.ts";

/** The first byte of a TLS handshake. */
const HANDSHAKE = 22;

/**
 * The far end of a tunnel that carries TLS and nothing else, as CONNECT of a registry or a web site does. Mail, logins
 * or a database behind us would be no business of a proxy for images, and plain HTTP does not need a tunnel: in one it
 * would go past the swarm unseen. Nothing comes from the far end before the near one has begun.
 */
export function tlsOnly(conn: Conn): Conn {
  const begun = Promise.withResolvers<boolean>();
  let isBegun = false;
  const close = () => {
    begun.resolve(false);
    conn.close();
  };
  return {
    remote: conn.remote,
    async read(into) {
      return await begun.promise ? await conn.read(into) : null;
    },
    async write(bytes) {
      if (!isBegun && bytes[0] !== HANDSHAKE) {
        throw new DamselflyError("invalid_argument", "Cannot pass on what is no TLS: a tunnel is for https only");
      }
      isBegun = true;
      begun.resolve(true);
      await conn.write(bytes);
    },
    async closeWrite() {
      begun.resolve(true);
      await conn.closeWrite();
    },
    close,
    [Symbol.dispose]: close,
  };
}
