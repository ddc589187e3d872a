import assert from "node:assert/strict";
import { realRandom } from "./random.ts";
import { realDisk } from "./real_disk.ts";

const MIB = 1024 * 1024;

/** Sends a byte to and fro until `isOver`; how often it came back. */
async function rounds(isOver: () => boolean): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
  using server = await accepted;
  const byte = new Uint8Array(1);
  let count = 0;
  for (; !isOver(); count++) {
    for (const [from, to] of [[client, server], [server, client]] as const) {
      await from.write(byte);
      await to.read(byte);
    }
  }
  return count;
}

Deno.test("whoever writes without a pause lets others have their turn", async () => {
  const path = await Deno.makeTempFile();
  try {
    await using file = await realDisk(realRandom()).openFile(path, { create: true });
    let isWritten = false;
    const served = rounds(() => isWritten);
    const block = new Uint8Array(MIB / 4);
    for (let position = 0; position < 64 * MIB; position += block.length) await file.write(block, position);
    isWritten = true;
    assert.ok(await served >= 8, `${await served} rounds`);
  } finally {
    await Deno.remove(path);
  }
});
