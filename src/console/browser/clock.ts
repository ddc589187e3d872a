/** Milliseconds since the Unix epoch, by this machine. */
export function nowMs(): number {
  return Date.now();
}
