import type { Disk } from "../runtime/disk.ts";

/** A registry with authorities of its own. */
export interface RegistryAuthority {
  readonly addr: string;
  /** PEM file of the authorities, trusted besides the system's. */
  readonly ca?: string | undefined;
}

/** HTTP clients by origin; those of origins without authorities of their own are the usual one. */
export interface RegistryClients extends Disposable {
  clientFor(origin: string): Deno.HttpClient | undefined;
}

/** Opens a client for each registry with its own authorities. Throws when a file cannot be read. */
export async function openRegistryClients(
  registries: readonly RegistryAuthority[],
  disk: Disk,
): Promise<RegistryClients> {
  using stack = new DisposableStack();
  const clients = new Map<string, Deno.HttpClient>();
  for (const { addr, ca } of registries) {
    if (ca === undefined) continue;
    const client = Deno.createHttpClient({ caCerts: [await disk.readText(ca)] });
    stack.defer(() => client.close());
    clients.set(new URL(addr).origin, client);
  }
  const opened = stack.move();
  return { clientFor: (origin) => clients.get(origin), [Symbol.dispose]: () => opened.dispose() };
}
