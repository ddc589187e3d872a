import { stack } from "d3-shape";

/** A bar of a chart: what it stands for, and the height of each of its parts. */
export interface Bar<Key extends string> {
  readonly name: string;
  readonly values: Readonly<Record<Key, number>>;
}

/** A part of a bar, between two heights. */
export interface Segment<Key extends string> {
  readonly key: Key;
  /** The number of the bar. */
  readonly bar: number;
  readonly from: number;
  readonly to: number;
}

/** The parts of all bars, one upon the other in the order of `keys`; those without height are left out. */
export function segmentsOf<Key extends string>(bars: readonly Bar<Key>[], keys: readonly Key[]): Segment<Key>[] {
  const layers = stack<Bar<Key>, Key>().keys(keys).value(({ values }, key) => values[key])([...bars]);
  return layers.flatMap(({ key, ...layer }) =>
    bars.flatMap((_, bar) => {
      const [from = 0, to = 0] = layer[bar] ?? [];
      return to > from ? [{ key, bar, from, to }] : [];
    })
  );
}

/** The height of the highest bar. */
export function highest<Key extends string>(bars: readonly Bar<Key>[], keys: readonly Key[]): number {
  return bars.reduce((most, { values }) => Math.max(most, keys.reduce((sum, key) => sum + values[key], 0)), 0);
}

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** The unit in which bytes up to so many have short names. */
export function unitOf(bytesMax: number): { readonly name: string; readonly bytes: number } {
  const power = Math.max(1, Math.min(UNITS.length, Math.floor(Math.log2(Math.max(bytesMax, 1)) / 10)));
  return { name: UNITS[power - 1] ?? "", bytes: 1024 ** power };
}
