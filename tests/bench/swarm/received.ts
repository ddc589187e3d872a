/** Who sent how much to whom. */

/** Bytes by name: what one node got from each other. */
export type Received = ReadonlyMap<string, number>;

/** Bytes by the address that they are from, in what `iptables-save --counters` prints; other lines are passed over. */
export function bytesFrom(saved: string): Map<string, number> {
  const rules = saved.matchAll(/^\[\d+:(\d+)\] -A INPUT -s (\d+\.\d+\.\d+\.\d+)\/32$/gm);
  return new Map([...rules].map(([, bytes, ip = ""]) => [ip, Number(bytes)]));
}

/** What came between two looks. */
export function receivedSince(before: Received, after: Received): Map<string, number> {
  return new Map([...after].map(([name, bytes]) => [name, bytes - (before.get(name) ?? 0)]));
}
