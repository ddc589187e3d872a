import assert from "node:assert/strict";
import { parseJsonObject, prependJson, removeJsonItem, setJson } from "./json_edit.ts";

Deno.test("an item comes first in its list, in the style of the file", () => {
  const cases: [before: string, after: string][] = [
    ["", '{\n  "m": [\n    "x"\n  ]\n}\n'],
    ["{}\n", '{\n  "m": [\n    "x"\n  ]\n}\n'],
    ['{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"m": [\n\t\t"x"\n\t]\n}'],
    ['{"m":["y"],"a":1}', '{"m":["x", "y"],"a":1}'],
    ['{\r\n    "m": [\r\n        "y"\r\n    ]\r\n}', '{\r\n    "m": [\r\n        "x",\r\n        "y"\r\n    ]\r\n}'],
    ['\ufeff{"m": ["y"]}', '\ufeff{"m": ["x", "y"]}'],
    ['{"m": []}', '{"m": [\n    "x"\n  ]}'],
  ];
  for (const [before, after] of cases) assert.equal(prependJson(before, ["m"], "x"), after, JSON.stringify(before));
});

Deno.test("an item goes alone, wherever it stands", () => {
  for (const [index, expected] of [[0, '["y", "z"]'], [1, '["x", "z"]'], [2, '["x", "y"]']] as const) {
    assert.equal(removeJsonItem('{"m": ["x", "y", "z"]}', ["m"], index), `{"m": ${expected}}`);
  }
  assert.throws(() => removeJsonItem('{"m": ["x"]}', ["m"], 1), { code: "failed_precondition" });
});

Deno.test("a value below the top is set and removed, and a key that stands twice is refused", () => {
  assert.deepEqual(parseJsonObject(setJson('{"a":{"b":1}}', ["a", "c"], "x")), { a: { b: 1, c: "x" } });
  assert.deepEqual(parseJsonObject(setJson('{"a":{"b":1}}', ["a"], undefined)), {});
  // Docker takes the last one, an editor of text the first.
  assert.throws(() => prependJson('{"m": ["y"], "m": ["z"]}', ["m"], "x"), { code: "failed_precondition" });
});

Deno.test("what is no JSON object is refused with the place", () => {
  for (const text of ["{", "[]", "1", "null", '{"a": 1,}', "// x\n{}"]) {
    assert.throws(() => parseJsonObject(text), { code: "invalid_argument" }, text);
  }
});
