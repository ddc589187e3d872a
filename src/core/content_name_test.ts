import assert from "node:assert/strict";
import { contentNameOf, countedName, OTHER_NAME } from "./content_name.ts";

Deno.test("a content of a registry is counted under its repository, any other under its server", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  assert.deepEqual(contentNameOf(`https://r.io:5000/v2/team/app/blobs/${digest}`), {
    registry: "r.io:5000",
    repository: "team/app",
  });
  assert.equal(contentNameOf(`https://r.io/v2/app/manifests/${digest}`).repository, "app");
  for (const path of ["/file.bin", "/v2/", `/v2/${"a".repeat(256)}/blobs/x`, "/v2/app/tags/list"]) {
    assert.deepEqual(contentNameOf(`http://h${path}`), { registry: "h", repository: "" });
  }
  assert.deepEqual(contentNameOf(""), { registry: "", repository: "" });
});

Deno.test("a name that is long or would break a line is counted with all others", () => {
  for (const name of ["", "team/app", "ein Name mit ä", "x".repeat(256)]) assert.equal(countedName(name), name);
  for (const name of ["a\nb", "\x1b[2J", "\x7f", "x".repeat(257)]) assert.equal(countedName(name), OTHER_NAME);
});
