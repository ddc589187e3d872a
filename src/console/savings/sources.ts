/** Where bytes come from, as the charts stack them. */
export const SOURCES = ["origin", "peer", "local"] as const;
export type Source = (typeof SOURCES)[number];

/** Bytes of a minute or hour by source. */
export function sourcesOf(
  bytes: { readonly origin_bytes: number; readonly peer_bytes: number; readonly local_bytes: number },
): Record<Source, number> {
  return { origin: bytes.origin_bytes, peer: bytes.peer_bytes, local: bytes.local_bytes };
}
