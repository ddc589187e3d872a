/** What the README tells people to type exists and is understood as it stands there. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DfdaemonConfig } from "../src/config/dfdaemon.ts";
import { DfinitConfig } from "../src/config/dfinit.ts";
import { parseConfig } from "../src/config/load.ts";
import { SchedulerConfig } from "../src/config/scheduler.ts";

const TOP = dirname(import.meta.dirname ?? "");
const README = await readFile(`${TOP}/README.md`, "utf8");
const PRIVATE = await readFile(`${TOP}/docs/private_registries.md`, "utf8");
const RUNTIMES = await readFile(`${TOP}/docs/runtimes.md`, "utf8");
const { tasks } = JSON.parse(await readFile(`${TOP}/deno.json`, "utf8")) as {
  tasks: Record<string, { readonly description?: string; readonly command: string }>;
};

const SCHEMAS = {
  "scheduler.yaml": SchedulerConfig,
  "dfdaemon.yaml": DfdaemonConfig,
  "dfinit.yaml": DfinitConfig,
};

/** The texts between fences of one language; commands have none. */
function fenced(language: string, page = README): string[] {
  return [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter(([, found]) => found === language)
    .map(([, , text = ""]) => text);
}

/** Each command without what is said of it. */
const commands = fenced("").flatMap((text) => text.split("\n"))
  .map((line) => line.replace(/ +#.*/, "").trim()).filter((line) => line !== "");

/** The words behind `task` of each command that runs one. */
const taskRuns = commands.flatMap((command) => {
  const [, words] = /^(?:npx -y deno@[\d.]+|deno) task (.*)$/.exec(command) ?? [];
  return words === undefined ? [] : [words.split(/ +/)];
});

Deno.test("each command of the README runs a task, or a script that the bundle task makes", () => {
  for (const command of commands) {
    assert.match(command, /^(npx -y deno@2\.9\.6|deno) task |^deno run .* dist\/\w+\.js /);
  }
  for (const [name = ""] of taskRuns) assert.ok(Object.hasOwn(tasks, name), `there is no task ${name}`);
});

Deno.test("each task of deno.json is in the README, and so are the two commands at its start", () => {
  const missing = Object.keys(tasks).filter((name) => !new RegExp(`deno(@[\\d.]+)? task ${name}\\b`).test(README));
  assert.deepEqual(missing, []);
  assert.deepEqual(commands.slice(0, 2), ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
});

Deno.test("each task says what it does when `deno task` lists them", () => {
  const silent = Object.entries(tasks).filter(([, { description = "" }]) => description.trim() === "");
  assert.deepEqual(silent.map(([name]) => name), []);
});

Deno.test("each program runs as a task under its own permissions, and knows the options that the README uses", async () => {
  const programs = Object.keys(tasks).filter((name) => tasks[name]?.command.includes(" -P="));
  assert.ok(programs.length >= 7, programs.join(" "));
  await Promise.all(programs.map(async (name) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      ...{ args: ["task", "--quiet", name, "--help"], cwd: TOP, env: { NO_COLOR: "1" } },
    }).output();
    const [help, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.deepEqual({ code, errors }, { code: 0, errors: "" }, name);
    const used = taskRuns.filter(([task]) => task === name).flat().filter((word) => word.startsWith("-"));
    for (const option of used) assert.match(help ?? "", new RegExp(`(^|\\s)${option}\\b`), `${name} ${option}`);
  }));
});

Deno.test("each configuration of the README and of the pages on runtimes and private registries is valid, and everything in it has an effect", () => {
  const files = [README, RUNTIMES, PRIVATE].flatMap((page) => fenced("yaml", page));
  assert.ok(files.length >= 9);
  for (const text of files) {
    const path = /^# (\S+)/.exec(text)?.[1] ?? "";
    const schema = SCHEMAS[basename(path) as keyof typeof SCHEMAS];
    assert.ok(schema !== undefined, `the first line names no file: ${text}`);
    assert.deepEqual(parseConfig(schema, text, path).warnings, []);
  }
});
