import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { scryptSync } from "node:crypto";
import { setImmediate } from "node:timers";
import { seededRandom } from "../testing/seeded_random.ts";
import { hashPassword, isOutdatedHash, isPassword, NOBODYS_HASH } from "./password.ts";

const PASSWORD = "correct horse";
/** Its hash, with a cost of 13. */
const SLOW_BCRYPT = "$2b$13$bE5qzNG2pTzczQu0f9UKuu3UbFRgGlTO4FYN3Mw5p4GVW3O1imyY6";

Deno.test("a password is told from every other by its hash, which holds no trace of it", async () => {
  const hash = await hashPassword(PASSWORD, seededRandom(1));
  assert.match(hash, /^\$scrypt\$ln=14,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.equal(await isPassword(PASSWORD, hash), true);
  for (const wrong of ["", "correct hors", "Correct horse"]) assert.equal(await isPassword(wrong, hash), false, wrong);
  assert.notEqual(await hashPassword(PASSWORD, seededRandom(2)), hash, "each has a salt of its own");
});

Deno.test("a password is hashed and checked beside the event loop, which goes on meanwhile", async () => {
  const hash = await hashPassword(PASSWORD, seededRandom(1));
  for (const work of [() => hashPassword(PASSWORD, seededRandom(2)), () => isPassword(PASSWORD, hash)]) {
    const order: string[] = [];
    const turned = new Promise<void>((resolve) => setImmediate(() => (order.push("others"), resolve())));
    await Promise.all([work().then(() => order.push("hash")), turned]);
    assert.deepEqual(order, ["others", "hash"]);
  }
});

Deno.test("a hash of Dragonfly opens too, and counts as outdated", async () => {
  const stock = hashSync(PASSWORD, 4);
  assert.equal(await isPassword(PASSWORD, stock), true);
  assert.equal(await isPassword("wrong password", stock), false);
  assert.deepEqual([isOutdatedHash(stock), isOutdatedHash(await hashPassword(PASSWORD, seededRandom(1)))], [
    true,
    false,
  ]);
});

Deno.test("what is no hash, or would take too long or too much memory to check, opens for nobody", async () => {
  const good = await hashPassword(PASSWORD, seededRandom(1));
  const hashes = ["", PASSWORD, NOBODYS_HASH, SLOW_BCRYPT, good.replace("ln=14", "ln=20"), "$scrypt$x"];
  const salt = new Uint8Array(16);
  const costly = scryptSync(PASSWORD, salt, 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }).toString("base64");
  hashes.push(`$scrypt$ln=15,r=8,p=1$${"A".repeat(22)}$${costly.replace("=", "")}`);
  for (const hash of hashes) assert.equal(await isPassword(PASSWORD, hash), false, hash);
});

Deno.test("passwords have a shortest and a longest length", async () => {
  for (const password of ["1234567", "ä".repeat(37)]) {
    await assert.rejects(hashPassword(password, seededRandom(1)), { code: "invalid_argument" });
  }
  const longest = "x".repeat(72);
  const hash = await hashPassword(longest, seededRandom(1));
  assert.deepEqual([await isPassword(longest, hash), await isPassword(`${longest}x`, hash)], [true, false]);
  assert.equal(await isPassword(`${longest}x`, hashSync(longest, 4)), false, "bcrypt would leave out the end");
});
