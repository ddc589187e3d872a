import assert from "node:assert/strict";
import { parseContent } from "./preheat_options.ts";

Deno.test("an image name, with or without oci://, is the URL of its manifest", () => {
  const urlOf = (text: string, plainHttp = false) => parseContent(text, { plainHttp });
  const hub = "https://registry-1.docker.io/v2/library/alpine/manifests";
  assert.deepEqual(urlOf("alpine"), { type: "image", url: `${hub}/latest` });
  assert.deepEqual(urlOf("oci://docker.io/library/alpine:3.19"), { type: "image", url: `${hub}/3.19` });
  const digest = `sha256:${"ab".repeat(32)}`;
  assert.equal(urlOf(`ghcr.io/a/b:c@${digest}`).url, `https://ghcr.io/v2/a/b/manifests/${digest}`);
  assert.equal(urlOf("127.0.0.1:5000/a:b", true).url, "http://127.0.0.1:5000/v2/a/manifests/b");
});

Deno.test("the URL of a manifest is an image, any other is a file, and nonsense is refused", () => {
  const typeOf = (text: string) => parseContent(text, {}).type;
  assert.equal(typeOf("http://reg:5000/v2/a/b/manifests/v1"), "image");
  assert.equal(typeOf("http://reg:5000/v2/a/b/blobs/sha256:00"), "file");
  assert.equal(typeOf("HTTPS://example.com/manifests"), "file");
  for (const text of ["", "UPPER", "http://", "ftp://x/y", "oci://", "a b"]) {
    assert.throws(() => typeOf(text), { code: "invalid_argument" }, text);
  }
});
