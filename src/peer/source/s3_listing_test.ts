import assert from "node:assert/strict";
import { parseListing } from "./s3_listing.ts";

function list(inside: string) {
  return parseListing(`<?xml version="1.0"?><ListBucketResult>${inside}</ListBucketResult>`);
}

Deno.test("keys are decoded if the storage has encoded them, and entities in any case", () => {
  const row = "<Contents><Key>a+b%20c&amp;d</Key><Size>7</Size></Contents>";
  assert.deepEqual(list(row), { objects: [{ key: "a+b%20c&d", contentLength: 7 }], next: undefined });
  assert.equal(list(`<EncodingType>url</EncodingType>${row}`)?.objects[0]?.key, "a b c&d");
  const broken = "<EncodingType>url</EncodingType><Contents><Key>100%</Key><Size>0</Size></Contents>";
  assert.equal(list(broken)?.objects[0]?.key, "100%");
});

Deno.test("a page leads on to the next one, or is the last", () => {
  assert.deepEqual(list("<IsTruncated>false</IsTruncated>"), { objects: [], next: undefined });
  const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t&lt;1</NextContinuationToken>";
  assert.equal(list(more)?.next, "t<1");
});

Deno.test("what is no list is none", () => {
  const cases = [
    "<IsTruncated>true</IsTruncated>",
    "<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>",
    "<Contents><Key>a</Key></Contents>",
    "<Contents><Key>a</Key><Size>-x</Size></Contents>",
    "<Contents><Key></Key><Size>1</Size></Contents>",
  ];
  for (const inside of cases) assert.equal(list(inside), undefined, inside);
  for (const text of ["", "<Error/>", "<ListBucketResult>", "{}"]) assert.equal(parseListing(text), undefined, text);
});
