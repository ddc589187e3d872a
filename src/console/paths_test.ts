/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { pathTo } from "./paths.ts";

Deno.test("the parts of a path are filled in, whatever is in them", () => {
  assert.equal(
    pathTo("/clusters/:id/schedulers/:schedulerId", { id: 1, schedulerId: "a/b?c" }),
    "/clusters/1/schedulers/a%2Fb%3Fc",
  );
});
