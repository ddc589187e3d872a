import assert from "node:assert/strict";
import { placeFor } from "./containerd_roots.ts";

const root = (path: string, ...names: string[]) => ({ path, namespaces: new Map(names.map((name) => [name, [name]])) });

Deno.test("the directory that containerd reads wins: host_port_ before host:port, the first root before the second", () => {
  const roots = [root("/a", "x:1"), root("/b", "x:1", "x_1_", "y")];
  assert.equal(placeFor("x:1", roots).directory, "/a/x:1");
  assert.equal(placeFor("x:1", [root("/b", "x:1", "x_1_")]).directory, "/b/x_1_");
  assert.equal(placeFor("x_1_", [root("/b", "x:1")]).directory, "/b/x:1");
  assert.deepEqual(placeFor("y", roots), { directory: "/b/y", files: ["y"] });
});

Deno.test("a new directory is made where it is read and hides nothing", () => {
  assert.equal(placeFor("new:5000", [root("/a"), root("/b")]).directory, "/a/new:5000");
  assert.equal(placeFor("_default", [root("/a"), root("/b", "y")]).directory, "/b/_default");
  assert.equal(placeFor("y", [root("/a", "_default"), root("/b", "y")]).directory, "/a/y");
  assert.equal(placeFor("_default", [root("/a", "_default"), root("/b", "y")]).directory, "/a/_default");
});
