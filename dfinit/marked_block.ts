import { DamselflyError } from "../src/core/error.ts";

const BEGIN = "# damselfly: begin";
const END = "# damselfly: end";

/** A block that dfinit wrote, from its first line to the end of its last one. */
const BLOCK = new RegExp(`^${BEGIN}$[^]*?^${END}$(?:\\r?\\n)?`, "m");

/**
 * `text` with our block holding `lines`: where it stands already, or else at the top, because keys that stand behind a
 * table of TOML belong to that table. Throws `failed_precondition` when one end of the block is missing.
 */
export function withBlock(text: string, lines: readonly string[]): string {
  const block = `${[BEGIN, ...lines, END].join("\n")}\n`;
  return hasBlock(text) ? text.replace(BLOCK, () => block) : block + text;
}

/** `text` without our block. Throws `failed_precondition` when one end of it is missing. */
export function withoutBlock(text: string): string {
  return hasBlock(text) ? text.replace(BLOCK, "") : text;
}

function hasBlock(text: string): boolean {
  const lines = text.split(/\r?\n/);
  const count = (mark: string) => lines.filter((line) => line === mark).length;
  if (count(BEGIN) === 0 && count(END) === 0) return false;
  if (count(BEGIN) === 1 && count(END) === 1 && BLOCK.test(text)) return true;
  const what = `Cannot tell which lines are damselfly's: expected one "${BEGIN}" and one "${END}" after it`;
  throw new DamselflyError("failed_precondition", what);
}
