import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

const TEXT_LENGTH_MAX = 1024 * 1024;
const ALIAS_COUNT_MAX = 100;

/** Something wrong with the text, or with a value in it; `place` is empty, or `line:column` with a colon behind. */
export interface Problem {
  readonly place: string;
  readonly text: string;
}

/** A YAML document as plain values, and where in the text each of them stands. */
export interface YamlText {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** `line:column` of the key or list element at `path`, or of the closest one around it that is in the text. */
  placeOf(path: readonly PropertyKey[]): string;
}

/** Reads one YAML 1.2 document. Duplicate keys, several documents and too many aliases are problems. */
export function readYaml(text: string): YamlText {
  if (text.length > TEXT_LENGTH_MAX) {
    return failed({ place: "", text: `it is longer than ${TEXT_LENGTH_MAX} characters` });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos: [offset] }) => {
    const [token = ""] = /^[^\s:]*/.exec(text.slice(offset)) ?? [];
    return { place: at(offset), text: code === "DUPLICATE_KEY" ? `'${token}' is written twice` : message };
  });
  if (problems.length > 0) return failed(...problems);
  try {
    return {
      value: document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }),
      problems: [],
      placeOf: (path) => at(offsetOf(document, path)),
    };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return failed({ place: "", text: `${error.message}, at most ${ALIAS_COUNT_MAX} are read` });
  }
}

function failed(...problems: Problem[]): YamlText {
  return { value: undefined, problems, placeOf: () => "" };
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let offset = 0;
  let node: Node | null | undefined = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      const element = node.items[Number(key)] as Node | undefined;
      if (element === undefined) break;
      offset = element.range?.[0] ?? offset;
      node = element;
    } else break;
  }
  return offset;
}
