/** Where everything of a picture is. Lengths are units of its own, {@link WIDTH} across. */

export const WIDTH = 1_000;
const MARGIN = 40;
/** Rows of one picture that hold more are made narrower. */
const PER_ROW_MAX = 40;
const RADIUS_MAX = 22;
/** Room for names below circles; where there is none, circles stand closer. */
const NAME_HEIGHT = 22;
const NAMED_PER_ROW_MAX = 9;
/** Between two layers, besides. */
const LAYER_GAP_MIN = 16;
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
  /** Whether there is room for a name below each. */
  readonly isNamed: boolean;
  readonly height: number;
}

/** Layers from top to bottom, each in as many rows as it needs: 8 are large, 600 are small, and none covers another. */
export function layered<T>(layers: readonly (readonly T[])[]): Layout<T> {
  const count = layers.reduce((sum, { length }) => sum + length, 0);
  // So many that the picture is about as high as it is wide.
  const perRow = Math.min(PER_ROW_MAX, Math.max(8, Math.ceil(Math.sqrt(count * 2))));
  const isNamed = perRow <= NAMED_PER_ROW_MAX;
  const radius = Math.min(RADIUS_MAX, (WIDTH - 2 * MARGIN) / perRow / 2.6);
  const rowHeight = radius * 2.6 + (isNamed ? NAME_HEIGHT : 0);
  const layerGap = Math.max(LAYER_GAP_MIN, radius);
  const dots: Dot<T>[] = [];
  let y = SOURCE_Y + LAYER_GAP_MIN + layerGap + 2 * radius;
  let height = y;
  for (const layer of layers) {
    for (let begin = 0; begin < layer.length; begin += perRow) {
      const row = layer.slice(begin, begin + perRow);
      const step = (WIDTH - 2 * MARGIN) / row.length;
      dots.push(...row.map((item, at) => ({ item, x: MARGIN + step * (at + 0.5), y })));
      height = y + rowHeight - radius;
      y += rowHeight;
    }
    if (layer.length > 0) y += layerGap;
  }
  return { dots, radius, isNamed, height };
}
