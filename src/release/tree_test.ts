import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { lstat, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { extract, type Headers } from "tar-stream";
import { treeBelow } from "./image_tree.ts";
import { layOut, tarOf, textEntry, type TreeEntry } from "./tree.ts";

const ENTRIES: readonly TreeEntry[] = [
  textEntry("usr/bin/manager", "#!/bin/sh\n", 0o755),
  { path: "bin/sh", linkTo: "busybox" },
  { path: "var/lib/dragonfly", mode: 0o750, owner: { uid: 65_532, gid: 65_532 } },
  textEntry("var/lib/dragonfly/README", "what is in a folder says nothing of its owner"),
  textEntry("usr/bin.txt", "after the folder of that name, or before it"),
];

async function headersOf(archive: Buffer): Promise<Headers[]> {
  const found: Headers[] = [];
  const entries = extract();
  entries.end(archive);
  for await (const entry of entries) {
    found.push(entry.header);
    entry.resume();
  }
  return found;
}

Deno.test("an archive is the same bytes for the same entries, in whatever order they come", async () => {
  const [first, second] = await Promise.all([
    tarOf(ENTRIES, 1_700_000_000),
    tarOf(ENTRIES.toReversed(), 1_700_000_000),
  ]);
  assert.ok(first.equals(second));
  assert.ok(!first.equals(await tarOf(ENTRIES, 1_700_000_001)));
});

Deno.test("an archive has each folder before what is in it, and nothing of the machine", async () => {
  const headers = await headersOf(await tarOf(ENTRIES, 1_700_000_000));
  const paths = headers.map(({ name }) => name.replace(/\/$/, ""));
  assert.deepEqual(paths.filter((path) => path.startsWith("usr")), [
    "usr",
    "usr/bin",
    "usr/bin.txt",
    "usr/bin/manager",
  ]);
  assert.deepEqual(new Set(headers.map(({ mtime }) => mtime?.getTime())), new Set([1_700_000_000_000]));
  assert.deepEqual(new Set(headers.map(({ uname }) => uname)), new Set([""]));
  const of = (name: string) => headers.find((header) => header.name === name);
  assert.deepEqual([of("usr/bin/manager")?.mode, of("usr/bin/manager")?.uid], [0o755, 0]);
  assert.deepEqual([of("bin/sh")?.type, of("bin/sh")?.linkname], ["symlink", "busybox"]);
  const folder = of("var/lib/dragonfly/");
  assert.deepEqual([folder?.type, folder?.mode, folder?.uid, folder?.gid], ["directory", 0o750, 65_532, 65_532]);
});

Deno.test("what is laid out in a folder is read back from it with modes and links", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const entries = ENTRIES.map((entry) => "owner" in entry ? { path: entry.path, mode: entry.mode } : entry);
    await layOut([...entries, { path: "tmp", mode: 0o1777 }], folder);
    assert.equal(await readlink(join(folder, "bin/sh")), "busybox");
    assert.equal((await lstat(join(folder, "tmp"))).mode & 0o7777, 0o1777);
    assert.equal(await readFile(join(folder, "usr/bin/manager"), "utf8"), "#!/bin/sh\n");
    const read = await treeBelow(folder);
    assert.ok((await tarOf([...entries, { path: "tmp", mode: 0o1777 }], 1)).equals(await tarOf(read, 1)));
  } finally {
    await rm(folder, { recursive: true });
  }
});
