/** Work that goes on at once, in a test that takes down what it works with as soon as it fails. */

/** Resolves to all results. Rejects with the first error in their order, and not before all of them have ended. */
export async function together<T>(work: Iterable<Promise<T>>): Promise<T[]> {
  const all = [...work];
  await Promise.allSettled(all);
  return await Promise.all(all);
}
