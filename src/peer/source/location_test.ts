import assert from "node:assert/strict";
import { locationOf } from "./location.ts";
import type { ObjectStorageAccess } from "./source.ts";

function at(url: string, objectStorage?: ObjectStorageAccess): string {
  return locationOf({ url, objectStorage }).href;
}

Deno.test("a URL of the web is where it says, and one of an object where its storage is", () => {
  assert.equal(at("http://origin.example/a?b"), "http://origin.example/a?b");
  assert.equal(at("s3://models/a/b.bin"), "https://s3.us-east-1.amazonaws.com/models/a/b.bin");
  assert.equal(at("s3://models/a", { region: "eu-west-1" }), "https://s3.eu-west-1.amazonaws.com/models/a");
  assert.equal(at("s3://models/a b*", { endpoint: "http://minio:9000/" }), "http://minio:9000/models/a%20b%2A");
  assert.equal(at("s3://models/a", { endpoint: "https://s3.corp/base" }), "https://s3.corp/base/models/a");
  const ofHost = { endpoint: "https://{bucket}.s3.oss-cn-hangzhou.aliyuncs.com" };
  assert.equal(at("s3://models/a", ofHost), "https://models.s3.oss-cn-hangzhou.aliyuncs.com/a");
});

Deno.test("what names no object, or no storage, is refused", () => {
  const invalid = { code: "invalid_argument" };
  for (const url of ["nonsense", "s3:///key", "s3://-b/k", "s3://models/a?versionId=1", "s3://models/a%zz"]) {
    assert.throws(() => at(url), invalid, url);
  }
  for (const url of ["s3://u:p@models/a", "s3://models:80/a", "s3://models/a#b"]) assert.throws(() => at(url), invalid);
  for (const url of ["s3://models/..%2Fother/k", "s3://models/a/.%2Fk"]) assert.throws(() => at(url), invalid, url);
  for (const endpoint of ["minio:9000", "ftp://minio", "http://u:p@minio", "http://minio/?a", ""]) {
    assert.throws(() => at("s3://models/a", { endpoint }), invalid, endpoint);
  }
  assert.throws(() => at("s3://models/a", { region: "x.evil.example/" }), invalid);
});

Deno.test("a scheme that is not served is refused, with what to write instead", () => {
  const cases = [["gs://b/k", /HMAC/], ["oss://b/k", /\{bucket\}\.s3\.oss/], ["hf://o/r/f", /https:\/\/ URL/]] as const;
  for (const [url, message] of cases) assert.throws(() => at(url), { code: "unimplemented", message });
  assert.throws(() => at("ftp://host/f"), { code: "unimplemented", message: /only http, https and s3/ });
});
