/**
 * Runs `run` on each item, at most `limit` at a time, and gives the results as they come, in any order. Items are taken
 * as there is room; a slow reader slows the work. The first failure ends it, and so does leaving the loop; what runs
 * then goes on unheard, so that `run` should obey a signal.
 */
export async function* inParallel<T, R>(
  items: Iterable<T>,
  limit: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const waiting = items[Symbol.iterator]();
  const ready: R[] = [];
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  let change = Promise.withResolvers<void>();
  const start = (item: T) => {
    running += 1;
    run(item)
      .then((result) => void ready.push(result), (error) => void (failure ??= { error }))
      .finally(() => {
        running -= 1;
        change.resolve();
      });
  };
  while (true) {
    while (running + ready.length < limit) {
      const next = waiting.next();
      if (next.done === true) break;
      start(next.value);
    }
    if (failure !== undefined) throw failure.error;
    const results = ready.splice(0);
    if (results.length === 0 && running === 0) return;
    yield* results;
    if (results.length > 0) continue;
    await change.promise;
    change = Promise.withResolvers();
  }
}
