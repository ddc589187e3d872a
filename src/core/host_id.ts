/** Who a host is, as far as ids are made of it (wire.md §3.2). */
export interface HostIdentity {
  readonly ip: string;
  readonly hostname: string;
  readonly isSeed: boolean;
}

/** The host id: `<ip>-<hostname>`, and `-seed` behind it for a seed peer (wire.md §3.2). */
export function hostIdOf({ ip, hostname, isSeed }: HostIdentity): string {
  return `${ip}-${hostname}${isSeed ? "-seed" : ""}`;
}

/** A peer id, new for each download: `<ip>-<hostname>-<uuid v4>`, and `-seed` for a seed peer (wire.md §3.2). */
export function peerIdOf({ ip, hostname, isSeed }: HostIdentity, uuid: string): string {
  return `${ip}-${hostname}-${uuid}${isSeed ? "-seed" : ""}`;
}
