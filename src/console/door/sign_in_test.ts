/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { PASSWORD_PATTERN } from "./passwords.ts";
import { pageAfter } from "./sign_in.ts";

Deno.test("signing in leads back to the page that was asked for, and never to another site", () => {
  assert.equal(pageAfter("?to=%2Fclusters%2F1%3Fpage%3D2"), "/clusters/1?page=2");
  for (const search of ["", "?to=", "?to=https://example.com", "?to=//example.com", "?to=/%5Cexample.com", "?to=x"]) {
    assert.equal(pageAfter(search), "/", search);
  }
});

Deno.test("a new password needs a small letter and a digit", () => {
  const pattern = new RegExp(`^(?:${PASSWORD_PATTERN})$`, "v");
  assert.deepEqual(["abc123", "A1b", "ABC123", "abcdef", ""].map((text) => pattern.test(text)), [
    ...[true, true, false, false, false],
  ]);
});
