/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { pieceLengthMibOf } from "../parts/task_naming.ts";
import { addressOf, argsOf, headerLines, headersOf, NEW_PREHEAT } from "./preheat_args.ts";

Deno.test("an image has one URL, a platform and a login, and files have several URLs and neither", () => {
  const image = argsOf({ ...NEW_PREHEAT, urls: [" https://r/v2/a/manifests/1 "], username: "me", password: "secret" });
  assert.deepEqual([image["url"], image["platform"], image["username"]], [
    "https://r/v2/a/manifests/1",
    "linux/amd64",
    "me",
  ]);
  const files = argsOf({ ...NEW_PREHEAT, kind: "file", urls: ["https://f/1", "", "https://f/2"], username: "me" });
  assert.deepEqual([files["urls"], files["url"]], [["https://f/1", "https://f/2"], undefined]);
  assert.ok(!("username" in files) && !("platform" in files));
});

Deno.test("which hosts are meant is sent only where there is a choice", () => {
  const all = { ...NEW_PREHEAT, scope: "all_peers", ips: ["10.0.0.1"], count: "3" } as const;
  assert.equal(argsOf({ ...all, target: "percentage" })["percentage"], 50);
  assert.equal(argsOf({ ...all, target: "count" })["count"], 3);
  assert.deepEqual(argsOf({ ...all, target: "ips" })["ips"], ["10.0.0.1"]);
  for (const args of [argsOf(all), argsOf({ ...all, scope: "single_seed_peer", target: "count" })]) {
    assert.ok(!("ips" in args) && !("count" in args) && !("percentage" in args));
  }
});

Deno.test("pieces are counted in MiB, and left to the peers when nothing is said", () => {
  assert.equal(argsOf({ ...NEW_PREHEAT, pieceLengthMib: "8" })["piece_length"], 8 * 1024 * 1024);
  assert.ok(!("piece_length" in argsOf(NEW_PREHEAT)));
  assert.equal(pieceLengthMibOf(argsOf({ ...NEW_PREHEAT, pieceLengthMib: "8" })), 8);
  for (const piece_length of [undefined, null, 0, "8"]) assert.equal(pieceLengthMibOf({ piece_length }), undefined);
});

Deno.test("headers are read a line each, and values may have colons", () => {
  assert.deepEqual(headersOf("X-A: b\n\n X-Url : http://c:1 \nX-Empty"), {
    "X-A": "b",
    "X-Url": "http://c:1",
    "X-Empty": "",
  });
});

Deno.test("headers are shown a line each, as they were written", () => {
  assert.deepEqual(headerLines({ "X-A": "b", "X-Url": "http://c:1" }), ["X-A: b", "X-Url: http://c:1"]);
  for (const nothing of [undefined, null, {}, "text"]) assert.deepEqual(headerLines(nothing), []);
});

Deno.test("a list names the first of several URLs, and how many more there are", () => {
  assert.equal(addressOf({ url: "a" }), "a");
  assert.equal(addressOf({ url: "", urls: ["a", "b", "c"] }), "a (+2)");
  assert.equal(addressOf({}), "-");
});
