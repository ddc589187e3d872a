import assert from "node:assert/strict";
import { diskWith } from "../../src/testing/memory_files.ts";
import { HostFiles } from "../host_files.ts";
import { globPattern, readConfigFiles } from "./containerd_imports.ts";

async function pathsFrom(files: Record<string, string>): Promise<string[]> {
  const found = await readConfigFiles("/etc/c/config.toml", new HostFiles(await diskWith(files), "/"), false);
  return found.map(({ path }) => path);
}

Deno.test("imports are read breadth first, relative to the file that holds them, each file once", async () => {
  const paths = await pathsFrom({
    "/etc/c/config.toml": 'imports = ["conf.d/*.toml", "/srv/x/*/c?.toml"]',
    "/etc/c/conf.d/20.toml": "",
    "/etc/c/conf.d/10.toml": 'imports = ["deep/a.toml", "../config.toml"]',
    "/etc/c/conf.d/10.toml.bak": "this is no TOML",
    "/etc/c/conf.d/deep/a.toml": "",
    "/srv/x/one/c1.toml": "",
    "/srv/x/two/d1.toml": "",
  });
  assert.deepEqual(paths, [
    "/etc/c/config.toml",
    "/etc/c/conf.d/10.toml",
    "/etc/c/conf.d/20.toml",
    "/srv/x/one/c1.toml",
    "/etc/c/conf.d/deep/a.toml",
  ]);
});

Deno.test("a pattern that matches nothing is fine, a file that does not exist is not", async () => {
  assert.deepEqual(await pathsFrom({ "/etc/c/config.toml": 'imports = ["/etc/none/*.toml"]' }), ["/etc/c/config.toml"]);
  await assert.rejects(pathsFrom({ "/etc/c/config.toml": 'imports = ["x.toml"]' }), /imports it and it does not exist/);
});

Deno.test("files that import files without end are refused", async () => {
  const chain = Array.from({ length: 70 }, (_, i) => [`/etc/c/${i}.toml`, `imports = ["${i + 1}.toml"]`]);
  const files = { "/etc/c/config.toml": 'imports = ["0.toml"]', ...Object.fromEntries(chain) };
  await assert.rejects(pathsFrom(files), /imports more than 64 files/);
});

Deno.test("a pattern that would sweep up backups is noticed", async () => {
  const disk = await diskWith({
    "/etc/c/config.toml": 'imports = ["d/*", "e/*.toml"]',
    "/etc/c/d/a": "",
    "/etc/c/e/b.toml": "",
  });
  const found = await readConfigFiles("/etc/c/config.toml", new HostFiles(disk, "/"), false);
  assert.deepEqual(found.map(({ importsBackup }) => importsBackup), [false, true, false]);
});

Deno.test("patterns match as Go's filepath.Match does", () => {
  const cases: [string, string, boolean][] = [
    ["*.toml", "a.toml", true],
    ["*.toml", "a.toml.bak", false],
    ["[0-9]?-*", "10-x", true],
    ["[^0-9]*", "1", false],
    ["a\\*", "a*", true],
    ["a\\*", "ab", false],
    ["a.b", "axb", false],
    ["(a|b)", "a", false],
  ];
  for (const [pattern, name, expected] of cases) {
    assert.equal(globPattern(pattern).test(name), expected, `${pattern} ${name}`);
  }
});
