import assert from "node:assert/strict";
import { join } from "node:path";
import { DamselflyError } from "../../src/core/error.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { MemoryDisk } from "../../src/testing/memory_disk.ts";

/** A disk and an empty directory on it. */
interface Place extends AsyncDisposable {
  readonly disk: Disk;
  readonly dir: string;
}

const places: Record<string, () => Promise<Place>> = {
  async real() {
    const dir = await Deno.makeTempDir();
    return { disk: realDisk(realRandom()), dir, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
  },
  async memory() {
    const disk = new MemoryDisk();
    await disk.mkdirAll("/place");
    return { disk, dir: "/place", [Symbol.asyncDispose]: () => Promise.resolve() };
  },
};

function test(promise: string, run: (place: Place) => Promise<void>): void {
  for (const [kind, open] of Object.entries(places)) {
    Deno.test(`${kind} disk: ${promise}`, async () => {
      await using place = await open();
      await run(place);
    });
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (content: string) => new TextEncoder().encode(content);
const failsWith = (code: string) => (error: unknown) => error instanceof DamselflyError && error.code === code;

test("a lock keeps others out until it is disposed, and makes a file that is absent", async ({ disk, dir }) => {
  const path = join(dir, "locked");
  {
    using lock = await disk.lock(path);
    assert.notEqual(lock, undefined);
    assert.equal((await disk.stat(path))?.size, 0);
    assert.equal(await disk.lock(path), undefined);
    using other = await disk.lock(join(dir, "other"));
    assert.notEqual(other, undefined);
  }
  using again = await disk.lock(path);
  assert.notEqual(again, undefined);
  await assert.rejects(disk.lock(join(dir, "none", "file")), failsWith("not_found"));
});

test("a file that was locked and then moved is not what its old path locks", async ({ disk, dir }) => {
  const [path, moved] = [join(dir, "a"), join(dir, "b")];
  using first = await disk.lock(path);
  assert.notEqual(first, undefined);
  await disk.rename(path, moved);
  using second = await disk.lock(path);
  assert.notEqual(second, undefined, "a new file");
  assert.equal(await disk.lock(moved), undefined);
});

test("a directory has the mode that it is given, and keeps it when it is made once more", async ({ disk, dir }) => {
  const path = join(dir, "a", "b");
  await disk.mkdirAll(path);
  await disk.setMode(path, 0o700);
  await disk.mkdirAll(path);
  assert.equal((await disk.stat(path))?.mode, 0o700);
  await assert.rejects(disk.setMode(join(dir, "none"), 0o700), failsWith("not_found"));
});

test("bytes written at a position are read back from it", async ({ disk, dir }) => {
  await using file = await disk.openFile(join(dir, "f"), { create: true, truncateTo: 10 });
  await file.write(bytes("abc"), 4);
  const buffer = new Uint8Array(5);
  assert.equal(await file.read(buffer, 3), 5);
  assert.equal(text(buffer), "\0abc\0");
  assert.equal((await file.stat()).size, 10);
});

test("a read at the end of a file gives 0 bytes", async ({ disk, dir }) => {
  await using file = await disk.openFile(join(dir, "f"), { create: true, truncateTo: 3 });
  assert.equal(await file.read(new Uint8Array(4), 3), 0);
});

test("a large write and read take the other path and still carry every byte", async ({ disk, dir }) => {
  const content = Uint8Array.from({ length: 700_001 }, (_, index) => index % 251);
  await using file = await disk.openFile(join(dir, "f"), { create: true });
  await file.write(content, 7);
  await file.sync();
  const back = new Uint8Array(content.length);
  assert.equal(await file.read(back, 7), content.length);
  assert.deepEqual(back, content);
});

test("an absent path is undefined for stat and not_found for the rest", async ({ disk, dir }) => {
  const path = join(dir, "absent");
  assert.equal(await disk.stat(path), undefined);
  await assert.rejects(disk.openFile(path), failsWith("not_found"));
  await assert.rejects(disk.readText(path), failsWith("not_found"));
  await assert.rejects(disk.list(path), failsWith("not_found"));
  await assert.rejects(disk.openFile(join(dir, "no", "file"), { create: true }), failsWith("not_found"));
  await disk.remove(path);
});

test("an error names the path", async ({ disk, dir }) => {
  const path = join(dir, "absent");
  await assert.rejects(disk.readText(path), (error: Error) => error.message.includes(path));
});

test("an atomic write keeps the mode of the file it replaces, and leaves nothing else behind", async ({ disk, dir }) => {
  const path = join(dir, "f");
  await disk.writeTextAtomic(path, "one", { mode: 0o600 });
  await disk.writeTextAtomic(path, "two");
  assert.equal(await disk.readText(path), "two");
  assert.equal((await disk.stat(path))?.mode, 0o600);
  assert.deepEqual(await disk.list(dir), ["f"]);
});

test("only an empty directory is removed as one", async ({ disk, dir }) => {
  const path = join(dir, "a", "b");
  await disk.mkdirAll(path);
  await disk.removeEmpty(join(dir, "a"));
  assert.deepEqual(await disk.list(join(dir, "a")), ["b"]);
  await disk.writeTextAtomic(join(path, "f"), "kept");
  await disk.removeEmpty(path);
  assert.equal(await disk.readText(join(path, "f")), "kept");
  await disk.remove(join(path, "f"));
  for (const empty of [path, join(dir, "a"), join(dir, "absent")]) await disk.removeEmpty(empty);
  assert.deepEqual(await disk.list(dir), []);
});

test("a removed file stays readable for who holds it open", async ({ disk, dir }) => {
  const path = join(dir, "f");
  await disk.writeTextAtomic(path, "kept");
  await using file = await disk.openFile(path);
  await disk.remove(path);
  const buffer = new Uint8Array(4);
  assert.equal(await file.read(buffer, 0), 4);
  assert.equal(text(buffer), "kept");
});

test("a hard link is the same content, and does not replace a file", async ({ disk, dir }) => {
  await disk.writeTextAtomic(join(dir, "f"), "same");
  await disk.link(join(dir, "f"), join(dir, "g"));
  await disk.remove(join(dir, "f"));
  assert.equal(await disk.readText(join(dir, "g")), "same");
  await disk.writeTextAtomic(join(dir, "h"), "other");
  await assert.rejects(disk.link(join(dir, "g"), join(dir, "h")), failsWith("already_exists"));
});

test("a file that others have by another name says so, and that it was changed", async ({ disk, dir }) => {
  await disk.writeTextAtomic(join(dir, "f"), "same");
  await using file = await disk.openFile(join(dir, "f"));
  const before = await file.stat();
  assert.equal(before.links, 1);
  await disk.link(join(dir, "f"), join(dir, "g"));
  assert.equal((await file.stat()).links, 2);
  await using other = await disk.openFile(join(dir, "g"), { write: true });
  // The times of a real disk have steps of some milliseconds.
  while ((await file.stat()).changedMs === before.changedMs) await other.write(bytes("x"), 0);
  assert.deepEqual(await disk.stat(join(dir, "g")), await file.stat());
});

test("a copy is a file of its own and takes the place of another", async ({ disk, dir }) => {
  await disk.writeTextAtomic(join(dir, "f"), "same");
  await disk.writeTextAtomic(join(dir, "g"), "an older and longer one");
  await disk.copy(join(dir, "f"), join(dir, "g"));
  await disk.writeTextAtomic(join(dir, "f"), "changed");
  assert.equal(await disk.readText(join(dir, "g")), "same");
  assert.equal((await disk.stat(join(dir, "g")))?.links, 1);
  await assert.rejects(disk.copy(join(dir, "none"), join(dir, "h")), failsWith("not_found"));
});

test("a directory moves and goes with all that is in it", async ({ disk, dir }) => {
  await disk.mkdirAll(join(dir, "a", "b"));
  await disk.writeTextAtomic(join(dir, "a", "b", "f"), "x");
  await disk.rename(join(dir, "a"), join(dir, "z"));
  assert.deepEqual(await disk.list(join(dir, "z")), ["b"]);
  assert.equal(await disk.readText(join(dir, "z", "b", "f")), "x");
  await disk.remove(join(dir, "z"));
  assert.deepEqual(await disk.list(dir), []);
});

test("a file opened for reading cannot be written", async ({ disk, dir }) => {
  const path = join(dir, "f");
  await disk.writeTextAtomic(path, "fixed");
  await using file = await disk.openFile(path);
  await assert.rejects(file.write(bytes("x"), 0), failsWith("internal"));
});

test("free space is told, and never more than there is", async ({ disk, dir }) => {
  const { freeBytes, totalBytes } = await disk.space(dir);
  assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
});

Deno.test("memory disk: a write past its capacity is no_space", async () => {
  const disk = new MemoryDisk({ capacityBytes: 10 });
  await using file = await disk.openFile("/f", { create: true });
  await file.write(bytes("0123456789"), 0);
  await assert.rejects(file.write(bytes("x"), 10), failsWith("no_space"));
});

test("the mode of a file can be set", async ({ disk, dir }) => {
  await disk.writeTextAtomic(join(dir, "f"), "x");
  await disk.setMode(join(dir, "f"), 0o600);
  assert.equal((await disk.stat(join(dir, "f")))?.mode, 0o600);
});

test("text comes back byte for byte, and what is not UTF-8 is refused with the path", async ({ disk, dir }) => {
  const write = async (name: string, content: Uint8Array) => {
    await using file = await disk.openFile(join(dir, name), { create: true });
    await file.write(content, 0);
  };
  await write("marked", bytes("\ufeffa\r\n"));
  assert.equal(await disk.readText(join(dir, "marked")), "\ufeffa\r\n");
  await write("latin1", new Uint8Array([0x61, 0xe9]));
  await assert.rejects(disk.readText(join(dir, "latin1")), (error: Error) => {
    return failsWith("invalid_argument")(error) && error.message.includes(join(dir, "latin1"));
  });
});

test("what is no link points nowhere, be it there or not", async ({ disk, dir }) => {
  assert.equal(await disk.readLink(dir), undefined);
  assert.equal(await disk.readLink(join(dir, "absent", "f")), undefined);
});
