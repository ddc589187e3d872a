/** Items by a number of theirs, the smallest first. It must not change while they are in. */
export class Heap<T extends { readonly at: number }> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item with the smallest number; undefined when there is none. */
  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    const items = this.#items;
    let place = items.push(item) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = items[above] as T;
      if (other.at <= item.at) break;
      items[place] = other;
      place = above;
    }
    items[place] = item;
  }

  /** Takes out the {@link first}. */
  take(): T | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let place = 0;
    for (let below = 1; below < items.length; below = 2 * place + 1) {
      if ((items[below + 1]?.at ?? Infinity) < (items[below] as T).at) below++;
      const other = items[below] as T;
      if (last.at <= other.at) break;
      items[place] = other;
      place = below;
    }
    items[place] = last;
    return first;
  }
}
