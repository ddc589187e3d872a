import assert from "node:assert/strict";
import { embedded, embeddingLine } from "./embedded.ts";
import { versionText } from "./version_text.ts";

/** Runs a line as a bundle does that has it before its code. */
function withLine<T>(line: string, run: () => T): T {
  const before = Object.getOwnPropertySymbols(globalThis);
  new Function(line)();
  try {
    return run();
  } finally {
    for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
      if (!before.includes(symbol)) delete (globalThis as Record<symbol, unknown>)[symbol];
    }
  }
}

Deno.test("a bundle finds what its build put into it, and a checkout finds nothing", () => {
  assert.equal(embedded("commit"), undefined);
  const text = 'quotes ", ` and \\, a line\u2028separator and ${no.variable}';
  withLine(embeddingLine("console", text), () => {
    assert.equal(embedded("console"), text);
    assert.equal(embedded("commit"), undefined);
  });
});

Deno.test("--version says the release, the commit and the Deno, or that it is a checkout that runs", () => {
  const deno = Deno.version.deno.replaceAll(".", "\\.");
  assert.match(versionText("dfget"), new RegExp(`^dfget \\d+\\.\\d+\\.\\d+ \\(from a checkout, deno ${deno}\\)$`));
  withLine(embeddingLine("commit", "0123456789ab"), () => {
    assert.match(versionText("dfget"), /^dfget \d+\.\d+\.\d+ \(commit 0123456789ab, deno /);
  });
});
