/** Milliseconds since the Unix epoch, by this machine. */
export function nowMs(): number {
  return Date.now();
}

/** Calls `run` again and again, until the function that it gives is called. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms);
  return () => clearInterval(timer);
}

/** When the day of a time began, where the reader is. */
export function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}
