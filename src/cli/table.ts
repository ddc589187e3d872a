/** Rows as text in columns, under the names of the first row's fields. */
export function formatTable(rows: readonly Readonly<Record<string, string>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? ""))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => {
    return `${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ").trimEnd()}\n`;
  }).join("");
}
