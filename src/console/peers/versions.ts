import type { Schemas } from "../api/client.ts";

/** How many peers run something, and how many of these are active. */
export interface Share {
  readonly name: string;
  readonly count: number;
  readonly active: number;
}

/** The peers by version or by commit, the most first; what a peer does not say is a dash. */
export function sharesOf(counts: readonly Schemas["PeerVersion"][], key: "git_version" | "git_commit"): Share[] {
  const shares = new Map<string, Share>();
  for (const row of counts) {
    const name = row[key] === "" ? "-" : row[key];
    const before = shares.get(name) ?? { name, count: 0, active: 0 };
    const active = before.active + (row.state === "active" ? row.count : 0);
    shares.set(name, { name, count: before.count + row.count, active });
  }
  return [...shares.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
