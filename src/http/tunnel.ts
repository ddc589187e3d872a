import type { Conn } from "../runtime/net.ts";

/** Of each direction, what is read before it is written: a slow side slows the other one. */
const BUFFER_BYTES = 64 * 1024;

/**
 * Passes bytes on between two connections until both have ended. The end of one direction is passed on alone, so that
 * the other one can still finish; a broken connection or `signal` ends both. Closes both.
 */
export async function tunnel(a: Conn, b: Conn, signal: AbortSignal): Promise<void> {
  const close = () => {
    a.close();
    b.close();
  };
  const pass = async (from: Conn, to: Conn) => {
    const buffer = new Uint8Array(BUFFER_BYTES);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        await to.write(buffer.subarray(0, count));
      }
      await to.closeWrite();
    } catch {
      close();
    }
  };
  if (signal.aborted) return close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await Promise.all([pass(a, b), pass(b, a)]);
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
