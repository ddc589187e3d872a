/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { csvOf } from "../parts/csv.ts";
import { sharesOf } from "./versions.ts";

Deno.test("peers are added up by version or commit, the most first", () => {
  const row = (git_version: string, git_commit: string, state: "active" | "inactive", count: number) => {
    return { git_version, git_commit, state, count };
  };
  const counts = [
    row("1", "a", "active", 2),
    row("2", "b", "active", 3),
    row("2", "a", "inactive", 4),
    row("", "", "active", 1),
  ];
  assert.deepEqual(sharesOf(counts, "git_version"), [
    { name: "2", count: 7, active: 3 },
    { name: "1", count: 2, active: 2 },
    { name: "-", count: 1, active: 1 },
  ]);
  assert.deepEqual(sharesOf(counts, "git_commit").map(({ name, count }) => [name, count]), [["a", 6], ["b", 3], [
    "-",
    1,
  ]]);
});

Deno.test("a cell is quoted where it must be, and no text becomes a formula", () => {
  const rows = [{ name: 'a "b", c', port: 7 }, { name: "=1+1", port: -1 }, { name: "two\nlines" }];
  assert.equal(csvOf(["name", "port"], rows), 'name,port\r\n"a ""b"", c",7\r\n\'=1+1,-1\r\n"two\nlines",\r\n');
});
