import assert from "node:assert/strict";
import fc from "fast-check";
import { DamselflyError } from "./error.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS, taskIdOf } from "./task_id.ts";

const url = "https://example.com";

Deno.test("taskIdOf() gives the ids of the wire vectors", () => {
  const vectors: [Parameters<typeof taskIdOf>[0], string][] = [
    [
      { url, pieceLength: 1024, tag: "foo", application: "bar", revision: "v1.0" },
      "5844f27a257287e9b734256bb25603d8005422ced8c0377f15063ec11963b25f",
    ],
    [{ url, tag: "foo", application: "bar" }, "06408fbf247ddaca478f8cb9565fe5591c28efd0994b8fea80a6a87d3203c5ca"],
    [{ url, tag: "foo" }, "3c3f230ef9f191dd2821510346a7bc138e4894bee9aee184ba250a3040701d2a"],
    [{ url, pieceLength: 1024 }, "9f7c9aafbc6f30f8f41a96ca77eeae80c5b60964b3034b0ee43ccf7b2f9e52b8"],
    [
      { url: `${url}?foo=foo&bar=bar`, filteredQueryParams: ["foo", "bar"] },
      "457b4328cde278e422c9e243f7bfd1e97f511fec43a80f535cf6b0ef6b086776",
    ],
    [{ url, content: "This is a test file" }, "e2d0fe1585a63ec6009c8016ff8dda8b17719a637405a4e23c0ff81339148249"],
  ];
  for (const [input, id] of vectors) assert.equal(taskIdOf(input), id);
});

Deno.test("taskIdOf() of a blob URL is its digest, whatever registry, repository or query it came by", () => {
  const hex = "ab".repeat(32);
  for (const base of ["https://registry-1.docker.io/v2/library/alpine", "http://127.0.0.1:5000/v2/a/b/c"]) {
    for (const query of ["", "?ns=docker.io"]) {
      assert.equal(taskIdOf({ url: `${base}/blobs/sha256:${hex}${query}`, byBlobDigest: true }), hex);
    }
  }
});

Deno.test("taskIdOf() treats a URL that is no blob by the URL rule, digest flag or not", () => {
  const manifest = "https://ghcr.io/v2/org/image/manifests/latest";
  assert.equal(taskIdOf({ url: manifest, byBlobDigest: true }), taskIdOf({ url: manifest }));
});

Deno.test("taskIdOf() takes nothing but a whole digest for an id: it names a file", () => {
  const hex = "ab".repeat(32);
  const base = "https://example.com/v2/a/blobs/";
  for (
    const name of ["sha256:../../../../etc/cron.d/x", `sha256:${hex}/../..`, "sha256:", `sha512:${hex}`, "crc32:."]
  ) {
    assert.match(taskIdOf({ url: base + name, byBlobDigest: true }), /^[0-9a-f]{64}$/);
  }
  fc.assert(fc.property(fc.string(), (name) => {
    assert.match(taskIdOf({ url: `${base}sha256:${name}`, byBlobDigest: true }), /^[0-9a-f]+$/);
  }));
  assert.equal(taskIdOf({ url: `${base}sha512:${hex}${hex}`, byBlobDigest: true }), hex + hex);
  assert.equal(taskIdOf({ url: `${base}crc32:222957957`, byBlobDigest: true }), "222957957");
});

Deno.test("taskIdOf() refuses a relative URL and says so", () => {
  assert.throws(
    () => taskIdOf({ url: "/v2/blobs" }),
    (error: unknown) => error instanceof DamselflyError && error.code === "invalid_argument",
  );
});

Deno.test("taskIdOf() does not depend on filtered parameters, wherever they stand", () => {
  fc.assert(fc.property(
    fc.constantFrom(...DEFAULT_FILTERED_QUERY_PARAMS),
    fc.webQueryParameters(),
    fc.webPath(),
    (name, value, path) => {
      const plain = `https://example.com${path}`;
      const options = { filteredQueryParams: DEFAULT_FILTERED_QUERY_PARAMS };
      const signed = new URL(plain);
      signed.searchParams.append(name, value);
      assert.equal(taskIdOf({ url: signed.href, ...options }), taskIdOf({ url: plain, ...options }));
    },
  ));
});

Deno.test("taskIdOf() tells apart the order of the parameters that are kept", () => {
  assert.notEqual(taskIdOf({ url: `${url}?a=1&b=2` }), taskIdOf({ url: `${url}?b=2&a=1` }));
});
