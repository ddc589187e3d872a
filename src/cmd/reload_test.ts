import assert from "node:assert/strict";
import type { LogLevel } from "../runtime/log.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { changedKeys, reload } from "./reload.ts";

interface Config {
  readonly log: { readonly level: LogLevel };
  readonly server: { readonly port: number; readonly names: readonly string[] };
}

const RUNNING: Config = { log: { level: "info" }, server: { port: 1, names: ["a"] } };

/** Reads `config` anew; the result is the level of the log, and what was said. */
async function reloaded(load: () => Promise<Config>, isFixed = false) {
  let level: LogLevel = "info";
  const memory = new MemoryLog();
  const log = Object.assign(memory, { level, setLevel: (asked: LogLevel) => void (level = asked) });
  const logLevelOf = isFixed ? undefined : (config: Config) => config.log.level;
  await reload({ running: RUNNING, load: async () => ({ config: await load(), warnings: [] }), logLevelOf }, log);
  return { level, lines: memory.lines };
}

Deno.test("the level of the log follows the file, and what needs a restart is named", async () => {
  const after: Config = { log: { level: "debug" }, server: { port: 2, names: ["a", "b"] } };
  const { level, lines } = await reloaded(() => Promise.resolve(after));
  assert.equal(level, "debug");
  assert.deepEqual(lines.map(({ level, fields }) => [level, fields]), [
    ["warn", { changed: ["log.level"], needRestart: ["server.port", "server.names"] }],
  ]);
});

Deno.test("the level of the command line stays", async () => {
  const { level, lines } = await reloaded(() => Promise.resolve({ ...RUNNING, log: { level: "debug" } }), true);
  assert.equal(level, "info");
  assert.deepEqual(lines[0]?.fields, { changed: [], needRestart: ["log.level"] });
});

Deno.test("a file that cannot be read leaves everything as it was, and says why", async () => {
  const { level, lines } = await reloaded(() => Promise.reject(new Error("line 3: unknown key")));
  assert.equal(level, "info");
  assert.deepEqual(lines.map(({ level, fields }) => [level, fields]), [["error", { error: "line 3: unknown key" }]]);
});

Deno.test("sections are compared key by key, lists as a whole", () => {
  assert.deepEqual(changedKeys(RUNNING, RUNNING), []);
  assert.deepEqual(changedKeys({ a: { b: [1, 2] } }, { a: { b: [2, 1], c: null } }), ["a.b", "a.c"]);
  assert.deepEqual(changedKeys({ a: undefined }, { a: { b: 1 } }), ["a"]);
});
