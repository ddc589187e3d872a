import assert from "node:assert/strict";
import { DFGET_ENVIRONMENT, dfgetCommand } from "./dfget_command.ts";
import { argumentsOfEnvironment } from "./environment.ts";

function set(env: Readonly<Record<string, string>>): string[] {
  return argumentsOfEnvironment(dfgetCommand(), DFGET_ENVIRONMENT, (name) => env[name]);
}

Deno.test("variables stand for options, and switches are on or off", () => {
  const on = { DFGET_TIMEOUT: "90s", DFGET_OVERWRITE: "true", DFGET_NO_PROGRESS: "1", DFGET_TAG: "" };
  assert.deepEqual(set(on).toSorted(), ["--no-progress", "--overwrite", "--tag=", "--timeout=90s"]);
  const off = { DFGET_OVERWRITE: "false", DFGET_CONSOLE: "", DFGET_OUTPUT: "/etc/passwd", DFGET_DIGEST: "x" };
  assert.deepEqual(set(off), [], "no variable decides what is written where");
  assert.deepEqual(set({ DFGET_STORAGE_INSECURE_SKIP_VERIFY: "false" }), ["--storage-insecure-skip-verify=false"]);
  assert.throws(() => set({ DFGET_OVERWRITE: "maybe" }), { code: "invalid_argument", message: /DFGET_OVERWRITE/ });
});

Deno.test("each variable is for an option that there is", () => {
  const longs = new Set(dfgetCommand().options.map(({ long }) => long?.slice(2)));
  for (const option of Object.keys(DFGET_ENVIRONMENT)) assert.ok(longs.has(option), option);
});
