import { DamselflyError } from "../../core/error.ts";
import { isTable } from "../clean.ts";
import { readYaml } from "../yaml_text.ts";
import { readDragonflyConf } from "./dragonfly_zero.ts";
import type { Table } from "./old_form.ts";

/** The keys of a configuration file of whatever form: YAML, or `dragonfly.conf`. Throws `invalid_argument`. */
export function readOldFile(text: string, file: string): Table {
  const { value, problems } = readYaml(text);
  const table = readDragonflyConf(text) ?? (problems.length === 0 ? value ?? {} : undefined);
  if (isTable(table)) return table;
  const why = problems.map((problem) => `${problem.place === "" ? "" : `${problem.place}: `}${problem.text}`);
  const what = why.length > 0 ? why.join("; ") : "it has no keys";
  throw new DamselflyError("invalid_argument", `Cannot read ${file}: ${what}`);
}
