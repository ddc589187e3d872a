/** Lines of unchanged text around a change. */
const CONTEXT_LINES = 3;

/** Above this many pairs of lines the middle is shown as one replacement instead of the shortest one. */
const CELLS_MAX = 4_000_000;

interface DiffLine {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/** The change from `before` to `after` in the unified format of `diff -u`; empty when there is none. */
export function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return "";
  const lines = diffLines(splitLines(before ?? ""), splitLines(after ?? ""));
  const hunks = hunksOf(lines).map(([start, end]) => formatHunk(lines, start, end));
  return [
    `--- ${before === undefined ? "/dev/null" : path}\n`,
    `+++ ${after === undefined ? "/dev/null" : path}\n`,
    ...hunks,
  ].join("");
}

/** Each line keeps its end, so that a missing one at the end of the file shows. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function diffLines(a: readonly string[], b: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return [
    ...a.slice(0, head).map(same),
    ...diffMiddle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

function same(text: string): DiffLine {
  return { sign: " ", text };
}

function diffMiddle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const width = b.length + 1;
  const isTooLarge = (a.length + 1) * width > CELLS_MAX;
  // common[i * width + j] is the length of the longest common subsequence of a from i on and b from j on.
  const common = new Uint32Array(isTooLarge ? 0 : (a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0 && !isTooLarge; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right && !isTooLarge) {
      lines.push(same(left));
      i++, j++;
    } else if (left !== undefined && (right === undefined || isTooLarge || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ sign: "-", text: left });
      i++;
    } else if (right !== undefined) {
      lines.push({ sign: "+", text: right });
      j++;
    }
  }
  return lines;
}

function hunksOf(lines: readonly DiffLine[]): [number, number][] {
  const hunks: [number, number][] = [];
  for (const [i, { sign }] of lines.entries()) {
    if (sign === " ") continue;
    const end = Math.min(i + 1 + CONTEXT_LINES, lines.length);
    const last = hunks.at(-1);
    if (last !== undefined && i - CONTEXT_LINES <= last[1]) last[1] = end;
    else hunks.push([Math.max(0, i - CONTEXT_LINES), end]);
  }
  return hunks;
}

function formatHunk(lines: readonly DiffLine[], start: number, end: number): string {
  const inHunk = lines.slice(start, end);
  const range = (other: "-" | "+") => {
    const before = lines.slice(0, start).filter(({ sign }) => sign !== other).length;
    const count = inHunk.filter(({ sign }) => sign !== other).length;
    return `${count === 0 ? before : before + 1},${count}`;
  };
  const body = inHunk.map(({ sign, text }) =>
    `${sign}${text}${text.endsWith("\n") ? "" : "\n\\ No newline at end of file\n"}`
  );
  return `@@ -${range("+")} +${range("-")} @@\n${body.join("")}`;
}
