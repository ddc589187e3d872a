/** What `deno compile` makes of our flags, as far as that can be seen without the runtime of compiled programs. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { permissionsOf } from "../../src/cmd/compile.ts";
import { PERMISSIONS } from "../../src/cmd/permissions.ts";
import { compileProgram, ownPlatform } from "../../src/release/compile.ts";
import { errorText } from "../../src/core/error.ts";
import { COMMANDS, type ShippedProgram } from "../../src/release/programs.ts";
import { bundleAll } from "../e2e/lib/bundle.ts";
import { REPOSITORY } from "../e2e/lib/components.ts";
import { Workspace } from "../e2e/lib/workspace.ts";

/** What a compiled program does at its start, which stands behind its runtime as JSON. */
interface Metadata {
  readonly permissions: Record<string, readonly string[] | boolean | null>;
  readonly v8_flags: readonly string[];
}

async function metadataOf(program: string): Promise<Metadata> {
  const bytes = await readFile(program);
  const at = bytes.lastIndexOf('{"argv":');
  assert.ok(at > 0, "there is no such JSON");
  return JSON.parse(bytes.toString("utf8", at, at + Number(bytes.readBigUInt64LE(at - 8)))) as Metadata;
}

/** The permissions of a compiled program as deno.json writes them: everything is an empty list, nothing is null. */
function setOf({ permissions }: Metadata): Record<string, unknown> {
  const allowed = Object.entries(permissions).filter(([key, value]) =>
    /^allow_(?!import)/.test(key) && Array.isArray(value)
  );
  return Object.fromEntries(allowed.map(([key, value]) => {
    return [key.slice("allow_".length), Array.isArray(value) && value.length > 0 ? value : true];
  }));
}

function commandOf(name: string): ShippedProgram {
  const program = COMMANDS.find((command) => command.name === name);
  assert.ok(program !== undefined);
  return program;
}

/** Sets variables of this process, which its children have too, and takes that back. */
function withVariables(variables: Readonly<Record<string, string | undefined>>): Disposable {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) Deno.env.delete(name);
    else Deno.env.set(name, value);
  };
  for (const [name, value] of Object.entries(variables)) set(name, value);
  return { [Symbol.dispose]: () => before.forEach(([name, value]) => set(name, value)) };
}

Deno.test("compiled programs have the permissions of their tasks, ask nobody for more, and have V8's flags", async () => {
  await using workspace = await Workspace.create();
  await bundleAll();
  const platform = ownPlatform(Deno.build);
  assert.ok(platform !== undefined);
  // Any program serves as the runtime for what is only looked at.
  using _env = withVariables({ DENORT_BIN: Deno.env.get("DENORT_BIN") ?? Deno.execPath() });
  for (const name of ["manager", "scheduler", "dfinit"] as const) {
    const output = join(workspace.dir, name);
    const script = join(REPOSITORY, "dist", `${name}.js`);
    const program = commandOf(name);
    await compileProgram({ program, platform, permissions: permissionsOf(program), script, output }, workspace.dir);
    const metadata = await metadataOf(output);
    assert.deepEqual(setOf(metadata), PERMISSIONS[name], name);
    assert.deepEqual(metadata.permissions["deny_import"], []);
    assert.equal(metadata.permissions["prompt"], false);
    assert.equal(metadata.v8_flags.includes("--no-allocation-site-pretenuring"), name === "manager");
    await Deno.remove(output);
  }
});

Deno.test("where there is no runtime of compiled programs, one sentence says so and what to do", async () => {
  await using workspace = await Workspace.create();
  const nowhere = "http://127.0.0.1:9";
  const cache = join(workspace.dir, "cache");
  using _env = withVariables({ HTTPS_PROXY: nowhere, HTTP_PROXY: nowhere, DENO_DIR: cache, DENORT_BIN: undefined });
  const [program, script] = [commandOf("dfinit"), join(workspace.dir, "dfinit.js")];
  await Deno.writeTextFile(script, "");
  const output = join(workspace.dir, "dfinit");
  const compilation = { program, platform: "linux-arm64", permissions: [], script, output } as const;
  await assert.rejects(compileProgram(compilation, workspace.dir), (error: Error) => {
    assert.match(
      errorText(error),
      /^Cannot get denort, [^\n]*linux-arm64: [^\n]*denort-aarch64-[^\n]* DENORT_BIN[^\n]*$/,
    );
    return true;
  });
});

Deno.test("what is no such runtime is refused before anything is made, and what is another program after the first", async () => {
  await using workspace = await Workspace.create();
  const compile = async (runtime: string, ...args: string[]) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", join(REPOSITORY, "src/cmd/compile.ts"), ...args],
      env: { NO_COLOR: "1", DENORT_BIN: runtime },
      stdout: "null",
    }).output();
    return { code, said: new TextDecoder().decode(stderr) };
  };
  const missing = await compile(join(workspace.dir, "denort"));
  assert.match(missing.said, /^compile: Cannot read \S+\/denort: /);
  const other = await compile(Deno.execPath());
  assert.match(other.said, /^compile: Cannot use what DENORT_BIN names: [^\n]* says "deno /);
  assert.deepEqual([missing.code, other.code], [1, 1]);
});
