import assert from "node:assert/strict";
import { directoriesOf, filesOf } from "./dfget_directory.ts";

const WISH = { url: "s3://models/llm/", maxFiles: 100 };

function files(paths: readonly string[], wish: Partial<Parameters<typeof filesOf>[1]> = {}) {
  const entries = paths.map((path) => ({ url: path, contentLength: 1, isDirectory: path.endsWith("/") }));
  return filesOf(entries, { ...WISH, ...wish });
}

Deno.test("the files below a directory have the paths that their URLs say", () => {
  const found = files(["s3://models/llm/b%20%25.bin", "s3://models/llm/sub/", "s3://models/llm/sub/a"]);
  assert.deepEqual(found.map(({ path }) => path), ["b %.bin", "sub/a"]);
  assert.deepEqual(directoriesOf(found, "/out"), ["/out", "/out/sub"]);
  assert.equal(files(["s3://models/llm/a", "s3://models/llm/b"], { includeFiles: ["b"] }).length, 1);
});

Deno.test("a list that would write anywhere else, or on itself, is refused", () => {
  const outside = [
    ["s3://models/llm/%2e%2e%2f%2e%2e%2fetc%2fpasswd"],
    ["s3://models/llm/..%2Fx"],
    ["s3://models/llm//x"],
    ["s3://models/llm/a%00"],
    ["s3://models/llm/a%0Ab"],
    ["s3://models/llm/%1B%5D0;title%07"],
    ["s3://models/llm/%C2%9B2J"],
    ["s3://models/llm/a%5Cb"],
    ["s3://models/llm/%zz"],
    ["s3://models/other/x"],
    ["s3://another/llm/x"],
    ["http://models/llm/x"],
    ["nonsense"],
    ["s3://models/llm/a", "s3://models/llm/a/b"],
    ["s3://models/llm/a", "s3://models/llm/%61"],
  ];
  for (const paths of outside) assert.throws(() => files(paths), { code: "failed_precondition" }, paths.join());
});

Deno.test("no file at all, and more than are allowed, is a failure", () => {
  assert.throws(() => files(["s3://models/llm/sub/"]), { code: "not_found" });
  assert.throws(() => files(["s3://models/llm/a"], { includeFiles: ["b"] }), { code: "not_found" });
  const many = Array.from({ length: 10_000 }, (_, index) => `s3://models/llm/d${index % 100}/${index}`);
  assert.equal(files(many, { maxFiles: 10_000 }).length, 10_000);
  assert.throws(() => files(many, { maxFiles: 9_999 }), { code: "failed_precondition", message: /10000 files.*9999/ });
});
