import assert from "node:assert/strict";
import { TypedLine } from "./terminal_input.ts";

function typed(...parts: string[]): TypedLine {
  const line = new TypedLine();
  for (const part of parts) line.take(new TextEncoder().encode(part));
  return line;
}

Deno.test("a typed line ends with Enter, and is corrected by backspace and Ctrl-U", () => {
  assert.deepEqual([typed("secret").isDone, typed("sec", "ret\n").text], [false, "secret"]);
  assert.equal(typed("secret\r").isDone, true);
  assert.equal(typed("secret\x04").isDone, true);
  assert.equal(typed("a\nb\n").text, "a");
  assert.equal(typed("sex\x7fcret\b\n").text, "secre");
  assert.equal(typed("\x7f\x7fa\n").text, "a");
  assert.equal(typed("wrong\x15right\n").text, "right");
});

Deno.test("backspace takes a whole character back, however it is written", () => {
  assert.equal(typed("aé漢🦋\x7f\x7f\x7fz\n").text, "az");
});

Deno.test("a line is bounded, and the end of the input ends it", () => {
  assert.equal(typed("x".repeat(10_000)).text.length, 4_096);
  const line = typed("half");
  line.take(new Uint8Array(), true);
  assert.deepEqual([line.isDone, line.text], [true, "half"]);
});
