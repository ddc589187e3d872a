import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { debianPackage, sbomOf } from "./sbom.ts";
import { UNSHIPPED } from "./unshipped.ts";

const TOP = new URL("../../", import.meta.url);
const integrity = (letter: string) => `sha512-${btoa(letter.repeat(64))}`;
const LOCK = JSON.stringify({
  version: "5",
  specifiers: { "npm:@a/one@1.0.0": "1.0.0_two@2.0.0", "npm:tool@9.0.0": "9.0.0" },
  npm: {
    "@a/one@1.0.0_two@2.0.0": { integrity: integrity("a"), dependencies: ["two", "three@3.0.1"] },
    "two@2.0.0": { integrity: integrity("b"), dependencies: ["three@3.0.0"] },
    "three@3.0.0": { integrity: integrity("c") },
    "three@3.0.1": { integrity: integrity("d") },
    "tool@9.0.0": { integrity: integrity("e"), dependencies: ["of-tool"] },
    "of-tool@1.0.0": { integrity: integrity("f") },
  },
});
const CONFIG = JSON.stringify({ imports: { one: "npm:@a/one@1.0.0", tool: "npm:tool@9.0.0" } });
const PARTS = { lock: LOCK, configs: [CONFIG], unshipped: ["tool"], others: [], origin: { commit: "abc", time: 60 } };

interface Bom {
  readonly serialNumber: string;
  readonly components: readonly { readonly purl: string; readonly hashes?: readonly { readonly content: string }[] }[];
}

Deno.test("the list has what shipped code imports and all that this needs, with hashes, and no tools", () => {
  const { components } = JSON.parse(sbomOf(PARTS)) as Bom;
  assert.deepEqual(components.map(({ purl }) => purl), [
    "pkg:npm/%40a/one@1.0.0",
    "pkg:npm/three@3.0.0",
    "pkg:npm/three@3.0.1",
    "pkg:npm/two@2.0.0",
  ]);
  assert.equal(components[0]?.hashes?.[0]?.content, "61".repeat(64));
});

Deno.test("packages of Debian are in the list by the URL that scanners know them by", () => {
  const libc = debianPackage("libc6 2.36-9+deb12u10 amd64");
  assert.deepEqual(libc, {
    ...{ name: "libc6", version: "2.36-9+deb12u10" },
    purl: "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64",
  });
  assert.match(debianPackage("busybox-static 1:1.35.0~rc1-4 arm64").purl, /@1%3A1\.35\.0~rc1-4\?arch=arm64$/);
  const { components } = JSON.parse(sbomOf({ ...PARTS, others: [libc] })) as Bom;
  assert.equal(components[0]?.purl, libc.purl);
});

Deno.test("the list is the same for the same release, and another for another", () => {
  assert.equal(sbomOf(PARTS), sbomOf(PARTS));
  const numberOf = (text: string) => (JSON.parse(text) as Bom).serialNumber;
  assert.match(numberOf(sbomOf(PARTS)), /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  const other = sbomOf({ ...PARTS, origin: { commit: "abd", time: 60 } });
  assert.notEqual(numberOf(other), numberOf(sbomOf(PARTS)));
});

Deno.test("what is imported and not locked is no list, and says what to do", () => {
  const configs = [JSON.stringify({ imports: { four: "npm:four@4.0.0" } })];
  assert.throws(() => sbomOf({ ...PARTS, configs }), /Cannot find four@\S* in deno\.lock: run deno install/);
});

Deno.test("every package that only tools and tests import is left out, and no other", async () => {
  const used = new Set<string>();
  for (const folder of ["src", "dfinit"]) {
    for await (const path of filesBelow(fileURLToPath(new URL(folder, TOP)))) {
      const isShipped = /\.tsx?$/.test(path) && !/_test\.tsx?$|\/testing\/|\/testdata\//.test(path);
      if (!isShipped) continue;
      for (
        const [, name = ""] of (await Deno.readTextFile(path)).matchAll(/(?:from |import |import\()"([^."][^"]*)"/g)
      ) {
        used.add(name);
      }
    }
  }
  const names: string[] = [];
  for (const file of ["deno.json", "src/console/deno.json"]) {
    const { imports } = JSON.parse(await Deno.readTextFile(new URL(file, TOP))) as { imports: Record<string, string> };
    names.push(...Object.keys(imports));
  }
  used.add("@mantine/hooks"); // @mantine/core imports it, and wants it to be named
  const isUsed = (name: string) => [...used].some((from) => from === name || from.startsWith(`${name}/`));
  // It writes types, in a task.
  const ofTools = ["openapi-typescript"];
  assert.deepEqual(names.filter((name) => !isUsed(name) || ofTools.includes(name)).sort(), [...UNSHIPPED].sort());
});

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(path);
    else yield path;
  }
}
