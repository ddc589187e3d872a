import assert from "node:assert/strict";
import { parseYamlTable, prependYaml, removeYaml } from "./yaml_edit.ts";

const PATH = ["mirrors", "docker.io", "endpoint"];
const always = () => true;
const never = () => false;

Deno.test("an item comes first in its list, and no other line changes", () => {
  const cases: [before: string, after: string][] = [
    ["", 'mirrors:\n  "docker.io":\n    endpoint:\n      - "x"\n'],
    ["a: 1", 'a: 1\nmirrors:\n  "docker.io":\n    endpoint:\n      - "x"\n'],
    ["mirrors:\na: 1\n", 'mirrors:\n  "docker.io":\n    endpoint:\n      - "x"\na: 1\n'],
    ["mirrors: {}\n", 'mirrors: {"docker.io": { "endpoint": ["x"] }}\n'],
    ["mirrors: ~\n", 'mirrors: { "docker.io": { "endpoint": ["x"] } }\n'],
    [
      "mirrors:\n  q:\n    endpoint: [y] # why\n\nb: 2\n",
      'mirrors:\n  q:\n    endpoint: [y] # why\n  "docker.io":\n    endpoint:\n      - "x"\n\nb: 2\n',
    ],
    ["mirrors:\n  docker.io: # hub\n", 'mirrors:\n  docker.io: # hub\n    endpoint:\n      - "x"\n'],
    ["mirrors:\n  docker.io: null\n", 'mirrors:\n  docker.io: { "endpoint": ["x"] }\n'],
    ["mirrors:\n  docker.io:\n    endpoint:\n", 'mirrors:\n  docker.io:\n    endpoint:\n      - "x"\n'],
    [
      "mirrors:\n  docker.io:\n    endpoint:\n    # near\n    - y\n",
      'mirrors:\n  docker.io:\n    endpoint:\n    # near\n    - "x"\n    - y\n',
    ],
    [
      "mirrors:\r\n  docker.io:\r\n    endpoint:\r\n    - y\r\n",
      'mirrors:\r\n  docker.io:\r\n    endpoint:\r\n    - "x"\r\n    - y\r\n',
    ],
    ["mirrors: {docker.io: {endpoint: [y, z]}}", 'mirrors: {docker.io: {endpoint: ["x", y, z]}}'],
    ["mirrors: {docker.io: {rewrite: 1}}", 'mirrors: {docker.io: {"endpoint": ["x"], rewrite: 1}}'],
    [
      'mirrors:\n  "docker.io":\n    rewrite:\n      a: b\n',
      'mirrors:\n  "docker.io":\n    rewrite:\n      a: b\n    endpoint:\n      - "x"\n',
    ],
  ];
  for (const [before, after] of cases) assert.equal(prependYaml(before, PATH, "x"), after, JSON.stringify(before));
});

Deno.test("an item goes, and with it the tables that hold nothing else and were not there before", () => {
  for (const before of ["a: 1\n", "mirrors:\n  q:\n    endpoint: [y]\n", "mirrors: {q: {endpoint: [y]}, r: 1}\n"]) {
    const made = prependYaml(before, PATH, "x");
    const keep = (path: readonly string[]) => path.length === 1 && before.startsWith("mirrors");
    assert.equal(removeYaml(made, PATH, "x", keep), before, JSON.stringify(before));
  }
  assert.equal(
    removeYaml("mirrors:\n  docker.io:\n    endpoint:\n    - x\n", PATH, "x", always),
    "mirrors:\n  docker.io:\n",
  );
  assert.equal(removeYaml("mirrors:\n  docker.io:\n    endpoint:\n    - x\nb: 1\n", PATH, "x", never), "b: 1\n");
  assert.equal(
    removeYaml("mirrors: {docker.io: {endpoint: [y, x]}}", PATH, "x", never),
    "mirrors: {docker.io: {endpoint: [y]}}",
  );
});

Deno.test("what cannot be edited without changing something else is refused", () => {
  const cases = [
    "near: &near {endpoint: [y]}\nmirrors: {docker.io: *near}\n",
    "near: &near\n  endpoint: &list [y]\nmirrors:\n  docker.io:\n    endpoint: *list\n",
    "mirrors: text\n",
    "mirrors:\n  docker.io:\n    endpoint: text\n",
  ];
  for (const text of cases) assert.throws(() => prependYaml(text, PATH, "x"), { code: "failed_precondition" }, text);
  for (const text of ["a: [", "- a\n", "a: 1\na: 2\n", "text"]) {
    assert.throws(() => parseYamlTable(text), { code: "invalid_argument" }, text);
  }
});
