import assert from "node:assert/strict";
import type { DiskFile } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { ContentFile, IdleFiles } from "./content_file.ts";

/** A disk whose files say when they are used after they were closed. */
class WatchedDisk extends MemoryDisk {
  open = 0;
  usedAfterClose = 0;

  override async openFile(...args: Parameters<MemoryDisk["openFile"]>): Promise<DiskFile> {
    const file = await super.openFile(...args);
    this.open++;
    let isOpen = true;
    return {
      read: (buffer, position) => {
        if (!isOpen) this.usedAfterClose++;
        return file.read(buffer, position);
      },
      write: (bytes, position) => file.write(bytes, position),
      sync: () => file.sync(),
      stat: () => file.stat(),
      [Symbol.asyncDispose]: async () => {
        isOpen = false;
        this.open--;
        await file[Symbol.asyncDispose]();
      },
    };
  }
}

async function watched(): Promise<{ disk: WatchedDisk; idle: IdleFiles; file: ContentFile }> {
  const disk = new WatchedDisk();
  await disk.mkdirAll("/d");
  await disk.openFile("/d/f", { create: true, truncateTo: 10 }).then((file) => file[Symbol.asyncDispose]());
  const idle = new IdleFiles(new MemoryLog());
  return { disk, idle, file: new ContentFile("/d/f", disk, idle) };
}

Deno.test("a file that is used again while it is being closed is opened anew", async () => {
  const { disk, idle, file } = await watched();
  const read = (opened: DiskFile) => opened.read(new Uint8Array(1), 0);
  await file.use(read);
  for (let turns = 0; turns < 8; turns++) {
    idle.close(file);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    assert.equal(await file.use(async (opened) => (await Promise.resolve(), await read(opened))), 1);
  }
  assert.equal(disk.usedAfterClose, 0);
  await idle[Symbol.asyncDispose]();
  await file.close();
  assert.equal(disk.open, 0);
});
