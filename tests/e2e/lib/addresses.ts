/** Loopback addresses for a run: a block of its own, so that every node has the standard ports on its own IP. */
import { createServer, type Server } from "node:net";
import { realRandom } from "../../../src/runtime/random.ts";

const ATTEMPTS = 50;
const GUARD_HOST = 254;
const GUARD_PORT = 4000;

/** A block of 127.0.0.0/8 that this run holds until it is disposed. */
export interface AddressBlock extends AsyncDisposable {
  /** The address with this last number, 1 to 253. */
  ip(host: number): string;
}

/** Reserves a random /24 of the loopback network; two runs on one machine get different ones. */
export async function reserveAddresses(): Promise<AddressBlock> {
  const random = realRandom();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const prefix = `127.${64 + random.below(186)}.${1 + random.below(249)}`;
    const guard = await listen(`${prefix}.${GUARD_HOST}`, GUARD_PORT);
    if (guard === undefined) continue;
    return { ip: (host) => `${prefix}.${host}`, [Symbol.asyncDispose]: () => close(guard) };
  }
  throw new Error(`Cannot reserve a block of loopback addresses: ${ATTEMPTS} were taken`);
}

/** A port that is free on `ip` at this moment. */
export async function freePort(ip: string): Promise<number> {
  const server = await listen(ip, 0);
  const address = server?.address();
  if (server === undefined || address === null || typeof address !== "object") {
    throw new Error(`Cannot listen on ${ip}: it is not an address of this machine`);
  }
  await close(server);
  return address.port;
}

function listen(host: string, port: number): Promise<Server | undefined> {
  const { promise, resolve } = Promise.withResolvers<Server | undefined>();
  const server = createServer();
  server.once("error", () => resolve(undefined));
  server.listen(port, host, () => resolve(server));
  return promise;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
