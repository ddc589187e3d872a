import assert from "node:assert/strict";
import { cacheTaskIdHash, type CacheTaskIdInput, checkCacheTaskId } from "./persistent_cache.ts";

function idOf(parts: readonly string[], input: CacheTaskIdInput = {}): string {
  const hash = cacheTaskIdHash(input);
  for (const part of parts) hash.update(new TextEncoder().encode(part));
  return hash.taskId();
}

Deno.test("the id of a cached file is the SHA-256 of its bytes and of what was asked for with it", () => {
  assert.equal(idOf(["he", "llo"]), "04013e72622370e8a549d97e2c193dbb391169a4da59a4e9a673445ef10e659b");
  assert.equal(idOf(["hello"], { tag: "xtag" }), "4f7fe10dd231a6abe7c8adefb1ed70196c3821f250eea1557f6a49d5b6793831");
  assert.equal(
    idOf(["hello"], { tag: "tag", application: "app", pieceLength: 4194304 }),
    "9a6ce6c4ef965d39ee159c31ade8f8e6f97571153f7c89bc9da254d4bfced44a",
  );
});

Deno.test("an id that is not 64 lower-case hex digits is refused before anybody looks for it", () => {
  const id = "0a".repeat(32);
  assert.equal(checkCacheTaskId(id), id);
  for (const wrong of ["", "1111", id.toUpperCase(), `${id}0`, `../${id}`]) {
    assert.throws(() => checkCacheTaskId(wrong), { code: "invalid_argument" });
  }
});
