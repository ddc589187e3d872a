/** How the ring names its mixes in the titles of tests. */
import type { Kind } from "./components.ts";

/** `stock manager`, `our manager`. */
export function named(kind: Kind, what: string): string {
  return `${kind === "stock" ? "stock" : "our"} ${what}`;
}
