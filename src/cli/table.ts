/** The narrowest that a column gets where the terminal is too narrow for all of it. */
const COLUMN_WIDTH_MIN = 8;
const GAP = "   ";

/**
 * Rows as text in columns, under the names of the first row's fields. With `columns` no line is longer than that, as far
 * as it can be done: the widest cells lose their ends. What would steer a terminal is shown as `?`.
 */
export function formatTable(rows: readonly Readonly<Record<string, string>>[], columns?: number): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => printable(row[name] ?? "")))];
  const widths = fittedWidths(
    names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))),
    columns,
  );
  return lines.map((line) => {
    return `${line.map((cell, column) => fitted(cell, widths[column] ?? 0)).join(GAP).trimEnd()}\n`;
  }).join("");
}

/** One thing as text: a line for each of its fields. */
export function formatFields(fields: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields).map(([name, value]) => `${name.padEnd(width)}${GAP}${printable(value)}`.trimEnd())
    .join("\n") + "\n";
}

/** Takes from the widest until all fit. */
function fittedWidths(wanted: readonly number[], columns: number | undefined): number[] {
  const widths = [...wanted];
  if (columns === undefined) return widths;
  const length = () => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
  for (let tooMany = length() - columns; tooMany > 0; tooMany = length() - columns) {
    const widest = Math.max(...widths);
    if (widest <= COLUMN_WIDTH_MIN) break;
    const others = widths.filter((width) => width < widest);
    const floor = Math.max(COLUMN_WIDTH_MIN, ...others);
    widths[widths.indexOf(widest)] = Math.max(floor, widest - tooMany);
  }
  return widths;
}

function fitted(cell: string, width: number): string {
  return cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);
}

/** A text on one line, in which nothing steers the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}/gu, "?");
}
