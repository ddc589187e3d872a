/** The word of `words` that `typed` was most likely meant to be; undefined when none is close. */
export function nearestKey(typed: string, words: Iterable<string>): string | undefined {
  const distanceMax = typed.length < 4 ? 1 : Math.max(2, Math.floor(typed.length / 3));
  let nearest: string | undefined;
  let nearestDistance = distanceMax + 1;
  for (const word of words) {
    const distance = editDistance(typed.toLowerCase(), word.toLowerCase());
    if (distance >= nearestDistance) continue;
    nearest = word;
    nearestDistance = distance;
  }
  return nearest;
}

/** Levenshtein's distance: the fewest insertions, deletions and replacements of one letter that turn `from` into `to`. */
export function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
