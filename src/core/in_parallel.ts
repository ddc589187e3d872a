/**
 * Iterates what `run` makes of each item, at most `limit` of them at a time, and gives the results as they come, in any
 * order. Items are taken as there is room; a slow reader slows the work. The first failure ends it, and so does leaving
 * the loop; what runs then goes on unheard until its next result, so that `run` should obey a signal.
 */
export async function* mergeInParallel<T, R>(
  items: Iterable<T>,
  limit: number,
  run: (item: T) => AsyncIterable<R>,
): AsyncGenerator<R, void, undefined> {
  const waiting = items[Symbol.iterator]();
  const ready: { readonly result: R; readonly taken: () => void }[] = [];
  let running = 0;
  let isLeft = false;
  let failure: { readonly error: unknown } | undefined;
  let change = Promise.withResolvers<void>();
  const work = async (item: T) => {
    for await (const result of run(item)) {
      await new Promise<void>((taken) => {
        ready.push({ result, taken });
        change.resolve();
      });
      if (isLeft) return;
    }
  };
  const start = (item: T) => {
    running += 1;
    work(item)
      .catch((error) => void (failure ??= { error }))
      .finally(() => {
        running -= 1;
        change.resolve();
      });
  };
  try {
    while (true) {
      while (running < limit) {
        const next = waiting.next();
        if (next.done === true) break;
        start(next.value);
      }
      if (failure !== undefined) throw failure.error;
      const next = ready.shift();
      if (next !== undefined) {
        next.taken();
        yield next.result;
        continue;
      }
      if (running === 0) return;
      await change.promise;
      change = Promise.withResolvers();
    }
  } finally {
    isLeft = true;
    for (const { taken } of ready) taken();
  }
}

/** {@link mergeInParallel} where each item has one result. */
export function inParallel<T, R>(
  items: Iterable<T>,
  limit: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  return mergeInParallel(items, limit, async function* (item) {
    yield await run(item);
  });
}
