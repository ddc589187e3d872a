/** Ports that somebody listens on, and one before several of them. */
import { connect, createServer, type Socket } from "node:net";
import type { Endpoint } from "../../../src/runtime/net.ts";

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

/** Listens at one address for several servers: each connection goes to the first of them that takes it. */
export async function startBalancer(listen: Endpoint, servers: readonly Endpoint[]): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const own = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    return socket;
  };
  const pass = (client: Socket, [server, ...others]: readonly Endpoint[]) => {
    if (server === undefined) return void client.destroy();
    const socket = own(connect({ host: server.hostname, port: server.port }));
    let isTaken = false;
    socket.once("connect", () => {
      isTaken = true;
      client.pipe(socket).pipe(client);
    });
    socket.once("close", () => isTaken ? client.destroy() : pass(client, others));
    client.once("close", () => socket.destroy());
  };
  const balancer = createServer((client) => pass(own(client), servers));
  await new Promise<void>((resolve, reject) => {
    balancer.once("error", reject);
    balancer.listen(listen.port, listen.hostname, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<unknown>((resolve) => balancer.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
