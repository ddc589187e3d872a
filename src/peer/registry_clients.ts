import type { Disk } from "../runtime/disk.ts";
import { createUpstreamClients, type UpstreamClients } from "./source/upstream_clients.ts";

/** A registry with authorities of its own. */
export interface RegistryAuthority {
  readonly addr: string;
  /** PEM file of the authorities, trusted besides the system's. */
  readonly ca?: string | undefined;
}

/** Opens a client for each registry with its own authorities. Throws when a file cannot be read or is no certificate. */
export async function openRegistryClients(
  registries: readonly RegistryAuthority[],
  disk: Disk,
): Promise<UpstreamClients> {
  const own = registries.flatMap(({ addr, ca }) => ca === undefined ? [] : [{ addr, ca }]);
  return createUpstreamClients(
    await Promise.all(own.map(async ({ addr, ca }) => ({ addr, ca: await disk.readText(ca) }))),
  );
}
