import assert from "node:assert/strict";
import type { Header } from "./header_table.ts";
import { areRegular, requestHead } from "./request_head.ts";

const GOOD: readonly Header[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/s/M"],
  [":authority", "here"],
  ["te", "trailers"],
  ["x-tag", "blue"],
];

Deno.test("a request has its method, its path, and the headers behind them", () => {
  assert.deepEqual(requestHead(GOOD), { method: "POST", path: "/s/M", headers: GOOD.slice(4) });
});

Deno.test("a request that lacks a part, has one twice, or in the wrong place, is none", () => {
  for (const index of [0, 1, 2]) assert.equal(requestHead(GOOD.toSpliced(index, 1)), undefined);
  assert.ok(requestHead(GOOD.toSpliced(3, 1)), "the name of the host may be absent");
  const [method] = GOOD;
  assert.ok(method);
  assert.equal(requestHead([method, ...GOOD]), undefined, "twice");
  assert.equal(requestHead([...GOOD.slice(1), method]), undefined, "behind the others");
  assert.equal(requestHead([[":status", "200"], ...GOOD]), undefined, "of an answer");
  assert.equal(requestHead([[":path", ""], ...GOOD.toSpliced(2, 1)]), undefined, "empty");
});

Deno.test("headers of HTTP/1.1's connections, capitals, line breaks and spaces around a value are not allowed", () => {
  const bad: Header[] = [
    ["connection", "close"],
    ["transfer-encoding", "chunked"],
    ["te", "gzip"],
    ["X-Tag", "a"],
    ["x tag", "a"],
    ["", "a"],
    [":path", "/"],
    ["x", "a\nb"],
    ["x", "a\0"],
    ["x", " a"],
    ["x", "a\t"],
  ];
  for (const header of bad) {
    assert.equal(areRegular([header]), false, header.join());
    assert.equal(requestHead([...GOOD, header]), undefined, header.join());
  }
  assert.ok(areRegular([["grpc-tags-bin", "AA=="], ["x", ""], ["x", "a b\xe4"]]));
});
