import assert from "node:assert/strict";
import { GRAIN_BYTES, SimContent, SPARSE_CHECKSUMS, sparseDisk } from "./content.ts";

const LENGTH = 9 * 1024 * 1024 + 5;

function* blocksOf(content: SimContent) {
  for (let at = 0; at < content.length;) {
    const bytes = content.block(at, content.length);
    yield { at, bytes };
    at += bytes.length;
  }
}

Deno.test("what is written to a sparse disk reads as the content, at any place and after it was removed", async () => {
  const content = new SimContent(1, LENGTH);
  const disk = sparseDisk("/content");
  await disk.mkdirAll("/content");
  await using file = await disk.openFile("/content/a", { create: true, truncateTo: LENGTH });
  for (const { at, bytes } of blocksOf(content)) await file.write(bytes, at);
  assert.equal((await file.stat()).size, LENGTH);
  await disk.remove("/content/a");
  const buffer = new Uint8Array(3 * GRAIN_BYTES);
  for (const at of [0, GRAIN_BYTES, 1_000_000, LENGTH - 5]) {
    const count = await file.read(buffer, at);
    assert.equal(count, Math.min(buffer.length, LENGTH - at));
    assert.ok(content.isAt(at, buffer.subarray(0, count)));
  }
});

Deno.test("a block of another content, or of another place, is found to be wrong", () => {
  const [a, b] = [new SimContent(1, LENGTH), new SimContent(2, LENGTH)];
  assert.notEqual(a.digest.text, b.digest.text);
  assert.ok(!b.isAt(0, a.block(0, GRAIN_BYTES)));
  assert.ok(!a.isAt(GRAIN_BYTES, a.block(0, GRAIN_BYTES)));
  const changed = a.block(0, 2 * GRAIN_BYTES).slice();
  changed[GRAIN_BYTES] = 1 + (changed[GRAIN_BYTES] ?? 0);
  assert.ok(!a.isAt(0, changed));
});

Deno.test("sparse checksums do not depend on how the bytes are cut, and tell contents apart", () => {
  const content = new SimContent(1, LENGTH);
  const { crc32, hash } = SPARSE_CHECKSUMS;
  const whole = content.block(0, 2 * GRAIN_BYTES);
  const parts = crc32(whole.subarray(GRAIN_BYTES), crc32(whole.subarray(0, GRAIN_BYTES), 0));
  assert.equal(crc32(whole, 0), parts);
  assert.notEqual(crc32(content.block(GRAIN_BYTES, 3 * GRAIN_BYTES), 0), parts);
  const running = hash("sha256");
  for (const { bytes } of blocksOf(content)) running.update(bytes);
  assert.equal(running.copy().digest("hex"), content.digest.hex);
});
