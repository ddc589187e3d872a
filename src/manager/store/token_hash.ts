import { createHash } from "node:crypto";

const PREFIX = "sha256:";

/**
 * What is stored of a personal access token. Plain SHA-256 is enough: tokens are random, so there is nothing to guess.
 * Those that somebody chose himself are as safe as he chose them.
 */
export function hashToken(token: string): string {
  return PREFIX + createHash("sha256").update(token).digest("hex");
}

/** Whether a stored token is a hash already. */
export function isTokenHash(text: string): boolean {
  return text.startsWith(PREFIX) && text.length === PREFIX.length + 64;
}
