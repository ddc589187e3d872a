import assert from "node:assert/strict";
import { DamselflyError, errorText, isCancelled, toDamselflyError } from "./error.ts";

Deno.test("the text of an error names its causes, and each of them once", () => {
  const broken = new Error("disk is broken");
  assert.equal(errorText(new Error("Cannot write", { cause: broken })), "Cannot write: disk is broken");
  assert.equal(errorText(toDamselflyError(broken, "internal", "Cannot write")), "Cannot write: disk is broken");
  assert.equal(errorText(new Error("Cannot write", { cause: new Error("") })), "Cannot write");
  assert.equal(errorText("thrown text"), "thrown text");
  const refused = new Error("14 UNAVAILABLE: no connection");
  assert.equal(
    errorText(new Error("Cannot call it: no connection", { cause: refused })),
    "Cannot call it: no connection",
  );
  const directory = new Error("EISDIR: illegal operation on a directory, read");
  assert.equal(
    errorText(new Error("Cannot read /tmp: EISDIR", { cause: directory })),
    "Cannot read /tmp: EISDIR: illegal operation on a directory, read",
  );
  assert.equal(
    errorText(new Error("Cannot read /tmp", { cause: directory })),
    `Cannot read /tmp: ${directory.message}`,
  );
});

Deno.test("what was aborted stays cancelled, and an error of ours stays what it is", () => {
  const own = new DamselflyError("not_found", "Cannot find it");
  assert.equal(toDamselflyError(own, "internal", "Cannot go on"), own);
  const aborted = toDamselflyError(new DOMException("aborted", "AbortError"), "internal", "Cannot go on");
  assert.deepEqual([aborted.code, isCancelled(aborted)], ["cancelled", true]);
  assert.equal(isCancelled(new Error("other")), false);
});
