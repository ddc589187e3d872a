import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DamselflyError } from "../src/core/error.ts";
import { realDisk } from "../src/runtime/real_disk.ts";
import { seededRandom } from "../src/testing/seeded_random.ts";
import { diskWith } from "../src/testing/memory_files.ts";
import { HostFiles } from "./host_files.ts";
import { RefusalError } from "./plan.ts";

/** A directory that plays the node's root, gone at the end of the scope. */
function mountedNode(): Disposable & { root: string; put(path: string, text: string): void } {
  const root = Deno.makeTempDirSync();
  return {
    root,
    put(path, text) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}

function filesOf(root: string): HostFiles {
  return new HostFiles(realDisk(seededRandom(1)), root);
}

Deno.test("paths are those of the node, wherever its root is mounted", async () => {
  using node = mountedNode();
  node.put("/etc/c/config.toml", "a = 1\n");
  const files = filesOf(`${node.root}/`);
  assert.equal(await files.read("/etc/c/config.toml"), "a = 1\n");
  assert.equal(await files.read("/etc/c/../c/config.toml"), "a = 1\n");
  assert.equal(await files.read("/../../etc/c/config.toml"), "a = 1\n");
  assert.deepEqual(await files.list("/etc"), ["c"]);
  assert.equal(await files.list("/etc/none"), undefined);
  await files.write("/etc/certs.d/x/hosts.toml", "b = 2\n");
  assert.equal(readFileSync(join(node.root, "etc/certs.d/x/hosts.toml"), "utf8"), "b = 2\n");
});

Deno.test("a symbolic link stays one, and the file it points to is replaced", async () => {
  using node = mountedNode();
  node.put("/etc/real/config.toml", "a = 1\n");
  symlinkSync("real", join(node.root, "etc/c"));
  symlinkSync("config.toml", join(node.root, "etc/real/link.toml"));
  await filesOf(node.root).write("/etc/c/link.toml", "a = 2\n");
  assert.equal(readFileSync(join(node.root, "etc/real/config.toml"), "utf8"), "a = 2\n");
  assert.equal(Deno.lstatSync(join(node.root, "etc/real/link.toml")).isSymlink, true);
});

Deno.test("a link is removed as one, a folder only when it is empty, and never as a file", async () => {
  using node = mountedNode();
  node.put("/etc/real/x", "a = 1\n");
  symlinkSync("real/x", join(node.root, "etc/link"));
  const files = filesOf(node.root);
  await files.remove("/etc/link");
  assert.equal(await files.read("/etc/real/x"), "a = 1\n");
  await files.removeEmptyFolder("/etc/real");
  await assert.rejects(files.remove("/etc/real"), RefusalError);
  assert.equal(await files.read("/etc/real/x"), "a = 1\n");
  await files.remove("/etc/real/x");
  await files.remove("/etc/real/x");
  await files.removeEmptyFolder("/etc/real");
  assert.deepEqual(await files.list("/etc"), []);
  assert.deepEqual(await files.missingFolders("/etc/a/b"), ["/etc/a", "/etc/a/b"]);
});

Deno.test("an absolute link leads where the node itself would be led, not into the place where its root is mounted", async () => {
  using node = mountedNode();
  node.put("/usr/share/real/config.toml", "a = 1\n");
  Deno.mkdirSync(join(node.root, "etc"));
  symlinkSync("/usr/share/real", join(node.root, "etc/containerd"));
  symlinkSync("../../../../usr/share", join(node.root, "etc/above"));
  symlinkSync("/etc/containerd/config.toml", join(node.root, "etc/link.toml"));
  const files = filesOf(node.root);
  for (const path of ["/etc/containerd/config.toml", "/etc/above/real/config.toml", "/etc/link.toml"]) {
    assert.equal(await files.read(path), "a = 1\n", path);
  }
  await files.write("/etc/containerd/certs.d/x/hosts.toml", "b = 2\n");
  assert.equal(readFileSync(join(node.root, "usr/share/real/certs.d/x/hosts.toml"), "utf8"), "b = 2\n");
});

Deno.test("no link leads out of the mounted root, and one to nowhere or in a circle is refused", async () => {
  using node = mountedNode();
  using other = mountedNode();
  other.put("/config.toml", "");
  node.put("/etc/x", "");
  symlinkSync(other.root, join(node.root, "etc/outside"));
  symlinkSync("/nowhere/at/all", join(node.root, "etc/dangling"));
  symlinkSync("circle", join(node.root, "etc/circle"));
  const files = filesOf(node.root);
  await assert.rejects(files.read("/etc/outside/config.toml"), /"outside" is a symbolic link to nowhere/);
  await assert.rejects(files.write("/etc/outside/new.toml", ""), /symbolic link to nowhere/);
  await assert.rejects(files.read("/etc/dangling"), /symbolic link to nowhere/);
  await assert.rejects(files.write("/etc/dangling/config.toml", ""), /symbolic link to nowhere/);
  await assert.rejects(files.read("/etc/circle/config.toml"), /symbolic links lead in a circle/);
  assert.deepEqual([...Deno.readDirSync(other.root)].map(({ name }) => name), ["config.toml"]);
});

Deno.test("a file that is not UTF-8 is refused rather than changed in bytes that nobody named", async () => {
  using node = mountedNode();
  writeFileSync(join(node.root, "latin1.toml"), new Uint8Array([0x23, 0x20, 0xe9, 0x0a]));
  await assert.rejects(filesOf(node.root).read("/latin1.toml"), (error) => {
    assert.ok(error instanceof RefusalError);
    assert.match(error.refusal.reason, /latin1\.toml: it is not UTF-8/);
    assert.match(error.refusal.todo, /^Save the file as UTF-8/);
    return true;
  });
});

Deno.test("a byte order mark is read as it is, and the backup has it too", async () => {
  using node = mountedNode();
  node.put("/bom.toml", "\ufeffa = 1\n");
  const files = filesOf(node.root);
  assert.equal(await files.read("/bom.toml"), "\ufeffa = 1\n");
  await files.keepFirst("/bom.toml", "/bom.toml.bak");
  assert.deepEqual(readFileSync(join(node.root, "bom.toml.bak")), readFileSync(join(node.root, "bom.toml")));
});

Deno.test("a copy keeps the mode of the file and is made once", async () => {
  using node = mountedNode();
  node.put("/config.toml", "first");
  Deno.chmodSync(join(node.root, "config.toml"), 0o600);
  const files = filesOf(node.root);
  await files.keepFirst("/config.toml", "/config.toml.bak");
  await files.write("/config.toml", "second");
  await files.keepFirst("/config.toml", "/config.toml.bak");
  assert.equal(await files.read("/config.toml.bak"), "first");
  for (const name of ["config.toml", "config.toml.bak"]) {
    assert.equal(statSync(join(node.root, name)).mode & 0o777, 0o600);
  }
});

Deno.test("a directory, and a file too large for a configuration, are refused with their path", async () => {
  const disk = await diskWith({ "/etc/big.toml": "#".repeat(2 ** 20 + 1) });
  const files = new HostFiles(disk, "/");
  await assert.rejects(files.read("/etc"), {
    refusal: { path: "/etc", reason: "it is a directory", todo: "Name the file itself" },
  });
  await assert.rejects(files.read("/etc/big.toml"), /1048577 bytes/);
});

Deno.test("what the disk does not permit is refused with the path and what to do", async () => {
  const disk = await diskWith({ "/etc/c/config.toml": "" });
  disk.readText = (path) => Promise.reject(new DamselflyError("permission_denied", `Cannot read ${path}: EACCES`));
  await assert.rejects(new HostFiles(disk, "/").read("/etc/c/config.toml"), (error) => {
    assert.ok(error instanceof RefusalError);
    assert.equal(error.refusal.path, "/etc/c/config.toml");
    assert.match(error.refusal.reason, /EACCES/);
    assert.match(error.refusal.todo, /^Run as root and mount the directory writable/);
    return true;
  });
});

Deno.test("folders that are made can be looked into by everybody, whatever the umask, and others stay as they are", async () => {
  using node = mountedNode();
  const files = filesOf(node.root);
  const modeOf = (path: string) => statSync(join(node.root, path)).mode & 0o777;
  const before = Deno.umask(0o077);
  try {
    mkdirSync(join(node.root, "etc"), { mode: 0o700 });
    await files.write("/etc/containers/registries.conf.d/a.conf", "x\n");
    await files.makeFolder("/usr/local/lib/damselfly");
    await files.place(join(node.root, "etc/containers/registries.conf.d/a.conf"), "/opt/bin/b", 0o755);
  } finally {
    Deno.umask(before);
  }
  assert.equal(modeOf("etc"), 0o700);
  for (
    const folder of ["etc/containers", "etc/containers/registries.conf.d", "usr", "usr/local/lib/damselfly", "opt/bin"]
  ) {
    assert.equal(modeOf(folder), 0o755, folder);
  }
  assert.equal(modeOf("etc/containers/registries.conf.d/a.conf"), 0o644);
  assert.equal(modeOf("opt/bin/b"), 0o755);
});
