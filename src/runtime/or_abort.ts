/** Settles like `work`, or rejects with the signal's reason when that comes first; the work goes on for others. */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    // The failure of work that nobody here waits for any more belongs to those who still do.
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
