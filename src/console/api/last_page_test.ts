/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { lastPage } from "./last_page.ts";

Deno.test("a list has as many pages as the manager's header says", () => {
  const link = "</api/v1/jobs?page=1&per_page=10>;rel=first,</api/v1/jobs?page=12&per_page=10>;rel=last";
  assert.equal(lastPage(link), 12);
  assert.equal(lastPage("</api/v1/jobs?page=0&per_page=10>;rel=last"), 0);
  assert.equal(lastPage(null), 0);
});
