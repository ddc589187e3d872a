import { VERSION } from "../../core/version.ts";

/** Who asks the origin: what this host is in the swarm, or a dfget without one. */
export type Requester = "peer" | "seed peer" | "dfget";

/** Of a requester's own; it comes from outside and goes out again. */
const REQUESTER_CHARACTERS_MAX = 256;

/**
 * The `User-Agent` of what is asked of a source for the swarm, such as `damselfly/1.0.0 (seed peer; containerd/2.1)`,
 * so that the owner of a registry can tell the swarm from nodes. What the requester calls himself is the last part of
 * the comment, where parentheses are written as quoted pairs (RFC 9110 §5.6.5).
 */
export function swarmUserAgent(role: Requester, requester: string | undefined): string {
  const named = (requester ?? "").slice(0, REQUESTER_CHARACTERS_MAX).replace(/[\\()]/g, "\\$&").trim();
  return `damselfly/${VERSION} (${named === "" ? role : `${role}; ${named}`})`;
}
