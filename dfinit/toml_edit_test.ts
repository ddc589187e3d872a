import assert from "node:assert/strict";
import fc from "fast-check";
import {
  commentOut,
  parseToml,
  removeLine,
  setValue,
  tomlKey,
  type TomlPath,
  tomlString,
  valueAt,
} from "./toml_edit.ts";

const PATH = ["plugins", "io.containerd.grpc.v1.cri", "registry", "config_path"];

/** The bytes of `text` without its longest common head and tail with `other`. */
function middleOf(text: string, other: string): string {
  let head = 0;
  while (head < text.length && text[head] === other[head]) head++;
  let tail = 0;
  while (tail < Math.min(text.length, other.length) - head && text.at(-1 - tail) === other.at(-1 - tail)) tail++;
  return text.slice(head, text.length - tail);
}

/** Documents that say something about the path, or nothing, in every style TOML has for it. */
const registryTexts = fc.constantFrom(
  "",
  `[plugins."io.containerd.grpc.v1.cri".registry]\n`,
  `[plugins."io.containerd.grpc.v1.cri".registry] # here\n\tconfig_path = '' # empty\n`,
  `[plugins."io.containerd.grpc.v1.cri"]\nregistry.config_path = "/old"\n`,
  `[plugins."io.containerd.grpc.v1.cri"]\nregistry.headers = { X-A = ["b"] }\n`,
  `[plugins."io.containerd.grpc.v1.cri"]\n  registry = {}\n`,
  `[plugins]\n"io.containerd.grpc.v1.cri" = { registry = { config_path = """/old""", b.c = 1 }, a = 2 }\n`,
  `[plugins]\n"io.containerd.grpc.v1.cri".a = 1\n`,
  `[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = [\n  "https://a", # first\n]\n`,
  `[plugins.'io.containerd.grpc.v1.cri'.registry.configs]\n[plugins.'io.containerd.grpc.v1.cri'.registry]\n\n# end\n`,
);

const keys = fc.string({ minLength: 1, maxLength: 8 }).filter((key) => key !== "plugins" && key !== "__proto__");
const scalars = fc.oneof(
  fc.string({ maxLength: 12 }).map(tomlString),
  fc.integer().map(String),
  fc.boolean().map(String),
  fc.constantFrom("1979-05-27T07:32:00Z", "07:32:00", "inf", "0xff", "'''a\nb'''", '["x", # y\n  "z"]', "{ a = 1 }"),
);
const strangers = fc.uniqueArray(fc.tuple(keys, scalars, fc.constantFrom("", " # note", "\t#")), {
  selector: ([key]) => key,
  maxLength: 5,
}).map((lines) => lines.map(([key, value, note]) => `${tomlKey([key])} = ${value}${note}\n`).join(""));

const documents = fc.tuple(
  strangers,
  registryTexts,
  fc.option(fc.tuple(keys, strangers), { nil: undefined }),
  fc.boolean(),
)
  .map(([top, registry, other, isCrlf]) => {
    const section = other === undefined ? "" : `# other\n[${tomlKey([`${other[0]}-section`])}]\n${other[1]}`;
    const text = `# head\n${top}${registry}${section}`;
    // In a multi-line string the end of line is part of the value, so such a document keeps its own.
    return isCrlf && !text.includes("'''") ? text.replaceAll("\n", "\r\n") : text;
  });

Deno.test("setting a value changes that value, and no byte outside of one place", () => {
  fc.assert(
    fc.property(documents, (text) => {
      const after = setValue(text, PATH, '"/etc/containerd/certs.d"');
      assert.equal(valueAt(parseToml(after).values, PATH), "/etc/containerd/certs.d");
      const removed = middleOf(text, after);
      assert.ok(
        removed === "" || ["''", '""', '"/old"', '"""/old"""', "/old", "{}"].some((old) => old.includes(removed)),
        removed,
      );
      assert.equal(setValue(after, PATH, '"/etc/containerd/certs.d"'), after, "a second time changes nothing");
    }),
    { numRuns: 500 },
  );
});

Deno.test("a line that was added can be removed without a trace", () => {
  fc.assert(fc.property(documents, (text) => {
    if (valueAt(parseToml(text).values, ["skip_verify"]) !== undefined) return;
    assert.equal(removeLine(setValue(text, ["skip_verify"], "true", "note"), ["skip_verify"]), text);
  }));
});

Deno.test("a key is added in the style of its table", () => {
  const add = (text: string, path: TomlPath = ["a", "b", "c"]) => setValue(text, path, "1");
  assert.equal(add(""), "[a.b]\n  c = 1\n");
  assert.equal(add("x = 1"), "x = 1\n\n[a.b]\n  c = 1\n");
  assert.equal(add("[a.b]"), "[a.b]\n  c = 1\n");
  assert.equal(add("[a]\n\t[a.b] # b\n\t\td = 2\n"), "[a]\n\t[a.b] # b\n\t\tc = 1\n\t\td = 2\n");
  assert.equal(add("a.b.d = 2\n"), "a.b.c = 1\na.b.d = 2\n");
  assert.equal(add("[a]\n  b.d.e = 2\n"), "[a]\n  b.c = 1\n  b.d.e = 2\n");
  assert.equal(add("a = { b = {} }\n"), "a = { b = { c = 1 } }\n");
  assert.equal(add("a = { x = 2 } # a\n"), "a = { x = 2, b.c = 1 } # a\n");
  assert.equal(add("[x]\n", ["version"]), "version = 1\n[x]\n");
  assert.equal(setValue("[a]\nb = 'old'", ["a", "b"], '"new"'), "[a]\nb = 'new'");
});

Deno.test("what cannot be edited safely is refused", () => {
  const code = { code: "failed_precondition" };
  assert.throws(() => setValue("a = 1\n", ["a", "b"], "1"), code);
  assert.throws(() => setValue("[[a]]\nb = 1\n", ["a", "c"], "1"), code);
  assert.throws(() => setValue("[a.b]\nx = 1\n", ["a", "b"], "1"), code);
  assert.throws(() => removeLine("a = { b = 1 }\n", ["a", "b"]), code);
  assert.throws(() => commentOut("a = { b = { c = 1 } }\n", ["a", "b"], "# "), code);
});

Deno.test("commenting a table out keeps every byte of it behind the mark", () => {
  const text = '[a]\nx = 1\n\n# about b\n[a.b]\n[a.b."c d"]\ne = [\n  1, # one\n]\n[a.b.f]\n[z]\ny = 2\n';
  const after = commentOut(text, ["a", "b"], "#x ");
  assert.equal(
    after,
    '[a]\nx = 1\n\n# about b\n[a.b]\n#x [a.b."c d"]\n#x e = [\n#x   1, # one\n#x ]\n#x [a.b.f]\n[z]\ny = 2\n',
  );
  assert.equal(after.replaceAll("#x ", ""), text);
});

Deno.test("an error of a file names the line", () => {
  assert.throws(() => parseToml("a = 1\nb = = 2\n"), {
    code: "invalid_argument",
    message: /^Cannot parse TOML at line 2: /,
  });
});
