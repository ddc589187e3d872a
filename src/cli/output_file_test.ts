import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import type { Disk } from "../runtime/disk.ts";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { wrappedDisk } from "../runtime/wrapped_disk.ts";
import { PartialFile } from "./output_file.ts";

const OUTPUT = "/d/out";
const MARKED = "/d/.out.mark.part";
const BROKEN = new DamselflyError("unavailable", "Cannot do that: EIO");

async function setup(methods: Partial<Disk> = {}, sync?: () => Promise<void>) {
  const memory = new MemoryDisk();
  await memory.mkdirAll("/d");
  const did: string[] = [];
  const disk = wrappedDisk(memory, {
    rename: (from, to) => {
      did.push("rename");
      return memory.rename(from, to);
    },
    ...methods,
  }, (file) => ({
    write(bytes, position) {
      did.push("write");
      return file.write(bytes, position);
    },
    sync() {
      did.push("sync");
      return sync?.() ?? file.sync();
    },
  }));
  const random = seededRandom(1);
  return { disk, did, partial: (mark?: string) => new PartialFile(OUTPUT, { disk, random }, mark) };
}

/** What one run does that is cut off. */
async function cutOff(partial: PartialFile, length = 3): Promise<boolean> {
  await using file = partial;
  await (await file.open()).write(new Uint8Array(length), 0);
  return await file.leave();
}

Deno.test("what is left for a later run is on the disk before it is told, and that run has it", async () => {
  const { disk, did, partial } = await setup();
  assert.equal(await cutOff(partial("mark")), true);
  assert.deepEqual(did, ["write", "sync"]);
  await using later = partial("mark");
  assert.deepEqual([(await (await later.open()).stat()).size, later.path], [3, MARKED]);
  await later.keep();
  assert.deepEqual(did.slice(2), ["sync", "rename"]);
  assert.deepEqual(await disk.list("/d"), ["out"]);
});

Deno.test("without a mark nothing is left", async () => {
  const { disk, did, partial } = await setup();
  assert.equal(await cutOff(partial()), false);
  assert.deepEqual([did, await disk.list("/d")], [["write"], []]);
});

Deno.test("what does not get to the disk is not left, and takes nobody's place as what went wrong", async () => {
  const { disk, partial } = await setup({}, () => Promise.reject(BROKEN));
  assert.equal(await cutOff(partial("mark")), false);
  assert.deepEqual(await disk.list("/d"), []);
});

Deno.test("the file of a run that goes on is not touched by another, and free when that run is over", async () => {
  const { disk, partial } = await setup();
  {
    await using first = partial("mark");
    await first.open();
    assert.equal(await cutOff(partial("mark")), false);
    assert.deepEqual(await disk.list("/d"), [".out.mark.part"]);
  }
  assert.deepEqual(await disk.list("/d"), []);
  assert.equal(await cutOff(partial("mark")), true);
});

Deno.test("where files cannot be locked a run has one of its own", async () => {
  const { disk, partial } = await setup({ lock: () => Promise.reject(BROKEN) });
  await using file = partial("mark");
  await file.open();
  assert.notEqual(file.path, MARKED);
  await file.keep();
  assert.deepEqual(await disk.list("/d"), ["out"]);
});
