/** Ports that somebody listens on. */
import { connect } from "node:net";

/** True when somebody listens on the port; rejects when nobody does. */
export function accepts(host: string, port: number, signal: AbortSignal): Promise<true> {
  const { promise, resolve, reject } = Promise.withResolvers<true>();
  const socket = connect({ host, port });
  const stop = () => socket.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  socket.once("connect", () => resolve(true));
  socket.once("error", reject);
  return promise.finally(() => {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  });
}

/** True when somebody listens on all of the ports; rejects when nobody does on one of them. */
export async function acceptsAll(host: string, ports: readonly number[], signal: AbortSignal): Promise<true> {
  for (const port of ports) await accepts(host, port, signal);
  return true;
}
