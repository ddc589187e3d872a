import type { Figures } from "../../src/testing/sim/figures.ts";

const SIZE = { width: 720, height: 420, left: 60, right: 190, top: 30, bottom: 50 };
const COLOURS = ["#1b6ca8", "#c8553d", "#3a7d44", "#8b5fbf", "#b8860b", "#444444"];

/** Efficiency over the number of peers, a curve for each scenario and algorithm, as an SVG document. */
export function curves(figures: readonly Figures[]): string {
  const series = Map.groupBy(figures, ({ scenario, algorithm }) => `${scenario}, ${algorithm}`);
  const counts = [...new Set(figures.map(({ peers }) => peers))].sort((a, b) => a - b);
  const [least = 1, most = 1] = [counts[0], counts.at(-1)];
  const innerWidth = SIZE.width - SIZE.left - SIZE.right;
  const x = (peers: number) => {
    const share = most === least ? 0.5 : Math.log(peers / least) / Math.log(most / least);
    return (SIZE.left + share * innerWidth).toFixed(1);
  };
  const y = (efficiency: number) => {
    return (SIZE.height - SIZE.bottom - efficiency * (SIZE.height - SIZE.top - SIZE.bottom)).toFixed(1);
  };
  const [axisX, axisEnd] = [SIZE.left, SIZE.width - SIZE.right];
  const levels = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((level) => [
    `<line x1="${axisX}" y1="${y(level)}" x2="${axisEnd}" y2="${y(level)}" stroke="#ddd"/>`,
    `<text x="${axisX - 8}" y="${y(level)}" text-anchor="end" dominant-baseline="middle">${level}</text>`,
  ]);
  const marks = counts.map((peers) => {
    return `<text x="${x(peers)}" y="${SIZE.height - SIZE.bottom + 20}" text-anchor="middle">${peers}</text>`;
  });
  const lines = [...series].flatMap(([name, points], index) => {
    const colour = COLOURS[index % COLOURS.length];
    const sorted = points.toSorted((a, b) => a.peers - b.peers);
    const path = sorted.map(({ peers, efficiency }) => `${x(peers)},${y(efficiency)}`).join(" ");
    const dots = sorted.map(({ peers, efficiency }) => {
      return `<circle cx="${x(peers)}" cy="${y(efficiency)}" r="3" fill="${colour}"/>`;
    });
    const legend = `<text x="${axisEnd + 12}" y="${SIZE.top + 18 * index}" fill="${colour}">${escaped(name)}</text>`;
    return [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`, ...dots, legend];
  });
  const { width, height } = SIZE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...[...levels, ...marks, ...lines],
    `<text x="${(axisX + axisEnd) / 2}" y="${height - 10}" text-anchor="middle">peers</text>`,
    `<text x="${axisX}" y="${SIZE.top - 12}">efficiency: bound / time of the last peer</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
