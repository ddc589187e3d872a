/** Milliseconds since the Unix epoch, by this machine. */
export function nowMs(): number {
  return Date.now();
}

/** Calls `run` again and again, until the function that it gives is called. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms);
  return () => clearInterval(timer);
}
