/** TCP of a host whose piece server does not behave: what it writes is changed, cut or kept back. */
import type { Conn, Listener, Net } from "../../src/runtime/net.ts";
import { realNet } from "../../src/runtime/real_net.ts";

/** A connection on which something is about to be written. */
interface WriteState {
  /** Bytes that it has carried before. */
  readonly sent: number;
  /** Resolves when it is closed on this side. */
  readonly closed: Promise<void>;
  close(): void;
}

/** What happens to a write. */
export type WriteFault = (bytes: Uint8Array, state: WriteState) => Promise<Uint8Array> | Uint8Array;

/** The real network, but for what the piece server writes. */
export function faultyNet(fault: WriteFault): Net {
  const net = realNet();
  return {
    connect: (to, signal) => net.connect(to, signal),
    secure: (conn, trust, signal) => net.secure(conn, trust, signal),
    resolve: (hostname) => net.resolve(hostname),
    listen: (on, onTrouble) => new FaultyListener(net.listen(on, onTrouble), fault),
  };
}

/** Sends the first `bytes` of each connection, then closes it. */
export const cutAfter = (limit: number): WriteFault => (bytes, { sent, close }) => {
  if (sent + bytes.length <= limit) return bytes;
  close();
  return bytes;
};

/** Sends the first `bytes` of each connection, and the rest when `until` resolves. */
export const holdAfter = (limit: number, until: Promise<unknown>): WriteFault => async (bytes, { sent, closed }) => {
  if (sent + bytes.length > limit) await Promise.race([until, closed]);
  return bytes;
};

/** Flips a bit of each block that holds content. */
export const flipBits: WriteFault = (bytes) => {
  if (bytes.length < 4096) return bytes;
  const wrong = bytes.slice();
  wrong[1000] = (wrong[1000] ?? 0) ^ 1;
  return wrong;
};

class FaultyListener implements Listener {
  readonly #listener: Listener;
  readonly #fault: WriteFault;

  constructor(listener: Listener, fault: WriteFault) {
    this.#listener = listener;
    this.#fault = fault;
  }

  get hostname(): string {
    return this.#listener.hostname;
  }

  get port(): number {
    return this.#listener.port;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Conn> {
    for await (const conn of this.#listener) yield faultyConn(conn, this.#fault);
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
  }
}

/** Whether a connection begins with a packet of the piece protocol: its second byte is a tag, no letter of HTTP. */
function isVortex([, second = 0]: Uint8Array): boolean {
  return !/[a-z]/i.test(String.fromCharCode(second));
}

function faultyConn(conn: Conn, fault: WriteFault): Conn {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const close = () => {
    resolve();
    conn.close();
  };
  let sent = 0;
  let isForPieces: boolean | undefined;
  return {
    remote: conn.remote,
    async read(into) {
      const count = await conn.read(into);
      isForPieces ??= isVortex(into.subarray(0, count ?? 0));
      return count;
    },
    closeWrite: () => conn.closeWrite(),
    close,
    [Symbol.dispose]: close,
    async write(bytes) {
      if (isForPieces !== true) return await conn.write(bytes);
      const changed = await fault(bytes, { sent, closed, close });
      sent += bytes.length;
      await conn.write(changed);
    },
  };
}
