import assert from "node:assert/strict";
import { parseImageReference } from "./image_reference.ts";

Deno.test("an image name is read as container runtimes read it", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const read = (text: string) => {
    const { namespace, repository, tag, digest } = parseImageReference(text);
    return `${namespace} ${repository} ${tag}${digest === undefined ? "" : " pinned"}`;
  };
  assert.equal(read("alpine"), "docker.io library/alpine latest");
  assert.equal(read("localhost/app:v1"), "localhost app v1");
  assert.equal(read(`reg.corp:5000/team/app:v1@${digest}`), "reg.corp:5000 team/app v1 pinned");
  for (const text of ["", "foo bar", "UPPER", "app:", "app:v1:v2", "app:v 1", `app@${digest}@${digest}`, "app@x"]) {
    assert.throws(() => parseImageReference(text), { code: "invalid_argument" }, text);
  }
});
