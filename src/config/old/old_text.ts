/** What users read about files of an old form. */
import { stringify } from "yaml";
import type { Conversion, OldFate } from "./convert.ts";
import type { Fate, OldForm } from "./old_form.ts";

const DYNCONFIG = "/etc/dragonfly/dynconfig.yaml";
const LINE_WIDTH = 118;

/** Why a file of an old form is refused: `where` gives the place of a key, with a colon and a space behind it. */
export function refusal(
  file: string,
  form: OldForm,
  fates: readonly OldFate[],
  where: (path: string) => string,
): { readonly head: string; readonly lines: string[] } {
  const head = `Cannot use ${file}: it has ${form.name}. To convert it: damselfly config convert ${file}`;
  const lines = fates.filter(({ path, fate }) => !(fate.kind === "becomes" && fate.key === path)).map(
    ({ path, fate }) => {
      const what = path === "" ? `${file}: what held without a key` : `${where(path)}'${path}'`;
      return `${what} ${fateText(fate)}`;
    },
  );
  return { head, lines: [...new Set(lines)] };
}

function fateText(fate: Fate): string {
  switch (fate.kind) {
    case "becomes":
      return `becomes '${fate.key}'`;
    case "scheduler":
      return `becomes 'scheduler.addrs' in ${DYNCONFIG}`;
    case "gone":
      return `is gone: ${fate.why}`;
    case "decide":
      return `has to be decided about: ${fate.what}`;
  }
  return fate satisfies never;
}

/** The converted file: YAML, with what there is to know at its beginning as comments. */
export function conversionText({ form, value, schedulers, gone, decide }: Conversion, source: string): string {
  const comments = [
    `Converted from ${source}, which had ${form.name}.`,
    ...(schedulers.length > 0 ? ["", `Write ${DYNCONFIG}, which names the schedulers:`, ...dynconfig(schedulers)] : []),
    ...list("To be decided before it is used:", decide.map(({ path, what }) => named(path, what))),
    ...list("Has no meaning any more:", gone.map(({ path, why }) => named(path, why))),
  ];
  const head = comments.map((line) => line === "" ? "#\n" : `# ${line}\n`).join("");
  return head + (Object.keys(value).length === 0 ? "{}\n" : stringify(value, { lineWidth: 0 }));
}

function dynconfig(schedulers: readonly string[]): string[] {
  return ["", "  scheduler:", "    addrs:", ...schedulers.map((addr) => `      - ${JSON.stringify(addr)}`)];
}

function named(path: string, text: string): string {
  return path === "" ? text : `${path}: ${text}`;
}

function list(title: string, points: readonly string[]): string[] {
  if (points.length === 0) return [];
  return ["", title, ...points.flatMap((point) => folded(`- ${point}`))];
}

/** A point of a list, over as many lines as it needs. */
function folded(text: string): string[] {
  const lines = [""];
  for (const word of text.replaceAll(/\s+/g, " ").split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > LINE_WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
