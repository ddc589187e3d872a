import assert from "node:assert/strict";
import { dirname, posix } from "node:path";
import { importsOf, longFunctions, type SourceFile, sourceFiles } from "./tidy/source.ts";
import {
  ALLOWED,
  BANNED_CALLS,
  EFFECTFUL,
  EXCEPTIONS,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  GENERATED,
  PURE_MODULES,
  TOP_FILES,
} from "./tidy/table.ts";

const TOP = dirname(import.meta.dirname ?? "");
const files = sourceFiles(TOP, ["src", "dfinit", "tests"]);
const written = files.filter((file) => !isWithinAny(file.path, GENERATED));
const isTest = (path: string) => path.endsWith("_test.ts");

function isWithinAny(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

/** The row of the table that decides for a path: the longest folder that holds it. */
function rowOf(path: string): string | undefined {
  return Object.keys(ALLOWED).filter((folder) => path.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length)[0];
}

/** Why a file may not import what it does; empty when it may. */
function wrongImports(file: SourceFile): string[] {
  const row = rowOf(file.path);
  if (row === undefined) return [`${file.path} is in no folder of the table`];
  const allowed = [row, "src/core", ...(ALLOWED[row] ?? [])];
  return importsOf(file.text).flatMap((specifier) => {
    if (!specifier.startsWith(".")) return wrongPackage(row, file.path, specifier);
    const target = posix.join(posix.dirname(file.path), specifier);
    if (isTest(file.path) && target.startsWith("src/testing/")) return [];
    if (TOP_FILES[target] === file.path) return [];
    const isDeeper = rowOf(target) !== row && row !== undefined && target.startsWith(`${row}/`);
    if (isWithinAny(target, allowed) && (!isDeeper || row.startsWith("src/peer") || row === "src/scheduler")) return [];
    return [`${file.path} imports ${target}`];
  });
}

function wrongPackage(row: string, path: string, specifier: string): string[] {
  if (/^(jsr|https?|npm):/.test(specifier)) return [`${path} imports "${specifier}": name it in deno.json`];
  if (row !== "src/core" && row !== "src/scheduler/core") return [];
  if (isTest(path) || (row === "src/core" && PURE_MODULES.includes(specifier))) return [];
  return [`${path} imports "${specifier}"`];
}

Deno.test("each folder imports only what the table allows", () => {
  assert.deepEqual(written.flatMap(wrongImports), []);
});

Deno.test("time and chance are arguments outside of the runtime", () => {
  const found = written
    .filter(({ path }) => !isWithinAny(path, EFFECTFUL) && !isTest(path) && EXCEPTIONS[path] === undefined)
    .flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, index) =>
        BANNED_CALLS.some((call) => call.test(line)) && !/^\s*(\*|\/\/)/.test(line)
          ? [`${path}:${index + 1}: ${line.trim()}`]
          : []
      )
    );
  assert.deepEqual(found, []);
});

Deno.test("the headers of Dragonfly are named in one place", () => {
  const table = "src/http/dragonfly_headers.ts";
  const elsewhere = written.filter(({ path, text }) =>
    path.startsWith("src/") && path !== table && !isTest(path) && /["']x-dragonfly-/i.test(text)
  );
  assert.deepEqual(elsewhere.map(({ path }) => path), []);
});

Deno.test("no file is longer than its limit", () => {
  const long = written.map(({ path, text }) => ({ path, lines: text.split("\n").length }));
  assert.deepEqual(long.filter(({ lines }) => lines > FILE_LINES_MAX), []);
});

Deno.test("no function is longer than its limit", () => {
  const long = written.flatMap((file) =>
    longFunctions(file, FUNCTION_LINES_MAX).map(({ line, lines }) => `${file.path}:${line} has ${lines} lines`)
  );
  assert.deepEqual(long, []);
});

Deno.test("files are named in snake_case, and none is called index", () => {
  const wrong = written.map(({ path }) => posix.basename(path)).filter((name) =>
    !/^[a-z0-9]+(_[a-z0-9]+)*\.tsx?$/.test(name) || name === "index.ts"
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every package is pinned to one exact version and comes from npm", () => {
  const targets = ["deno.json", "src/console/deno.json"].flatMap((path) => {
    const { imports } = JSON.parse(Deno.readTextFileSync(`${TOP}/${path}`)) as { imports: Record<string, string> };
    return Object.values(imports);
  });
  const loose = targets.filter((target) => !/^npm:(@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+$/.test(target));
  assert.deepEqual(loose, []);
});

Deno.test("tests switch no leak check off", () => {
  const isOff = /sanitize(Ops|Resources)\s*:\s*false/;
  const off = written.filter(({ path, text }) => isTest(path) && path !== "tests/tidy_test.ts" && isOff.test(text));
  assert.deepEqual(off.map(({ path }) => path), []);
});
