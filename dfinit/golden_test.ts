import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { diskWith, filesOn, foldersOn } from "../src/testing/memory_files.ts";
import type { MemoryDisk } from "../src/testing/memory_disk.ts";
import { BACKUP_SUFFIX } from "./apply.ts";
import { EXIT, runDfinit } from "./cli.ts";

/** Each directory is the root of a node as dfinit finds it, with the configuration of dfinit where it is not the usual. */
const TESTDATA = join(import.meta.dirname ?? "", "testdata");

const USUAL_CONFIG = `
containerRuntime:
  containerd:
    registries:
      - hostNamespace: docker.io
        serverAddr: https://index.docker.io
      - hostNamespace: ghcr.io
        serverAddr: https://ghcr.io
`;

async function node(name: string): Promise<MemoryDisk> {
  const top = join(TESTDATA, name);
  const entries = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  const files = paths.map((path) => [`/${relative(top, path)}`, readFileSync(path, "utf8")]);
  return await diskWith({ "/dfinit.yaml": USUAL_CONFIG, ...Object.fromEntries(files) });
}

async function dfinit(disk: MemoryDisk, ...flags: string[]): Promise<{ code: number; output: string }> {
  let output = "";
  const print = (text: string) => void (output += text);
  const effects = { disk, env: () => undefined, print, printError: print };
  const code = await runDfinit(["--config", "/dfinit.yaml", ...flags], effects);
  return { code, output };
}

for (const name of readdirSync(TESTDATA).sort()) {
  Deno.test(`${name}: what dfinit does to this node is what we said it does`, async (t) => {
    const disk = await node(name);
    const before = await filesOn(disk);
    const folders = await foldersOn(disk);

    const check = await dfinit(disk, "--check", "--diff");
    await t.assertSnapshot(`${check.output}exit ${check.code}\n`);
    assert.deepEqual(await filesOn(disk), before, "--check must change nothing");

    const run = await dfinit(disk);
    const after = await filesOn(disk);
    if (run.code !== EXIT.done) return assert.deepEqual(after, before, "a refusal must change nothing");
    for (const [path, text] of Object.entries(before)) {
      const original = after[path] === text ? undefined : text;
      assert.equal(after[path + BACKUP_SUFFIX], original, `${path} has a backup exactly when it changed`);
    }

    const again = await dfinit(disk);
    assert.match(again.output, /^Nothing to do$/m);
    assert.equal(again.code, EXIT.done);
    assert.deepEqual(await filesOn(disk), after, "a second run must change nothing");

    const restored = await dfinit(disk, "restore");
    assert.equal(restored.code, EXIT.done, restored.output);
    assert.deepEqual(await filesOn(disk), before, "restore must bring back every byte, and leave no file");
    assert.deepEqual(await foldersOn(disk), folders, "restore must take out the folders that were made");
  });
}
