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

/** The real network, but for what is written on connections that were accepted. */
export function faultyNet(fault: WriteFault): Net {
  const net = realNet();
  return {
    connect: (to, signal) => net.connect(to, signal),
    listen: (on) => new FaultyListener(net.listen(on), fault),
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

function faultyConn(conn: Conn, fault: WriteFault): Conn {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const close = () => {
    resolve();
    conn.close();
  };
  let sent = 0;
  return {
    remote: conn.remote,
    read: (into) => conn.read(into),
    closeWrite: () => conn.closeWrite(),
    close,
    [Symbol.dispose]: close,
    async write(bytes) {
      const changed = await fault(bytes, { sent, closed, close });
      sent += bytes.length;
      await conn.write(changed);
    },
  };
}
