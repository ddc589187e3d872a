import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { seededRandom } from "../testing/seeded_random.ts";
import { Seal, type SealOptions } from "./seal.ts";

const OTHER_KEY = { code: "data_loss", message: /auth\.jwt\.key is another one now/ };

function sealOf(options: Partial<SealOptions> = {}): Seal {
  return new Seal({
    key: "a key of 32 bytes or more, for this",
    purpose: "orders",
    random: seededRandom(1),
    ...options,
  });
}

Deno.test("what is sealed opens with the key, the purpose and the place that it was sealed with, and no other", () => {
  const seal = sealOf();
  const sealed = seal.seal("a password: ü", "job 1");
  assert.equal(sealOf({ random: seededRandom(2) }).open(sealed, "job 1"), "a password: ü");
  assert.throws(() => seal.open(sealed, "job 2"), OTHER_KEY);
  assert.throws(() => sealOf({ key: "another key of 32 bytes or more" }).open(sealed, "job 1"), OTHER_KEY);
  assert.throws(() => sealOf({ purpose: "tokens" }).open(sealed, "job 1"), OTHER_KEY);
});

Deno.test("the same text is never sealed the same way, and shows nothing of itself", () => {
  const seal = sealOf();
  const [one, other] = [seal.seal("hush", ""), seal.seal("hush", "")];
  assert.notEqual(one, other);
  assert.ok(!Buffer.from(one, "base64").toString("latin1").includes("hush"));
  assert.equal(seal.open(seal.seal("", ""), ""), "");
});

Deno.test("a sealed text that was changed, cut off or is none does not open", () => {
  const seal = sealOf();
  const bytes = Buffer.from(seal.seal("hush", ""), "base64");
  for (const at of [0, 1, 13, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
    assert.throws(() => seal.open(changed.toString("base64"), ""), OTHER_KEY, `byte ${at}`);
  }
  for (const cut of [0, 5, 13, 20, 28, 29, 30]) {
    assert.throws(() => seal.open(bytes.subarray(0, cut).toString("base64"), ""), OTHER_KEY, `${cut} bytes`);
  }
});
