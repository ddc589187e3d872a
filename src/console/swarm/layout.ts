/** Where everything of a picture is. Lengths are units of its own, {@link WIDTH} across. */

export const WIDTH = 1_000;
const MARGIN = 40;
/** Rows of one picture that hold more are made narrower. */
const PER_ROW_MAX = 40;
const RADIUS_MAX = 22;
/** Room between two rows, by the size of what stands in them. */
const ROW_GAP = 2;
const LAYER_GAP = 56;
/** Where the source stands. */
export const SOURCE_Y = 28;

/** A circle, and what it stands for. */
export interface Dot<T> {
  readonly item: T;
  readonly x: number;
  readonly y: number;
}

/** All circles of a picture. */
export interface Layout<T> {
  readonly dots: readonly Dot<T>[];
  readonly radius: number;
  readonly height: number;
}

/** Layers from top to bottom, each in as many rows as it needs: 8 are large, 600 are small, and none covers another. */
export function layered<T>(layers: readonly (readonly T[])[]): Layout<T> {
  const largest = Math.max(1, ...layers.map(({ length }) => length));
  const perRow = Math.min(PER_ROW_MAX, Math.max(8, Math.ceil(Math.sqrt(largest * 3))));
  const radius = Math.min(RADIUS_MAX, (WIDTH - 2 * MARGIN) / perRow / 2.6);
  const rowHeight = radius * (2 + ROW_GAP * 0.4);
  const dots: Dot<T>[] = [];
  let y = SOURCE_Y + LAYER_GAP + radius;
  for (const layer of layers) {
    for (let begin = 0; begin < layer.length; begin += perRow) {
      const row = layer.slice(begin, begin + perRow);
      const step = (WIDTH - 2 * MARGIN) / row.length;
      dots.push(...row.map((item, at) => ({ item, x: MARGIN + step * (at + 0.5), y })));
      y += rowHeight;
    }
    if (layer.length > 0) y += LAYER_GAP + radius - rowHeight + radius;
  }
  return { dots, radius, height: y - LAYER_GAP + MARGIN / 2 };
}
