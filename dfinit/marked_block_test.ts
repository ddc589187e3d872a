import assert from "node:assert/strict";
import { withBlock, withoutBlock } from "./marked_block.ts";

Deno.test("a block is replaced where it stands, put at the top otherwise, and goes without a trace", () => {
  const made = withBlock("theirs\n", ["one"]);
  assert.equal(made, "# damselfly: begin\none\n# damselfly: end\ntheirs\n");
  assert.equal(withBlock(`above\n${made}`, ["two", "$&"]), `above\n${made.replace("one", "two\n$$&")}`);
  assert.equal(withoutBlock(`above\n${made}`), "above\ntheirs\n");
  assert.equal(withoutBlock("theirs\n"), "theirs\n");
});

Deno.test("a block with one end, or two of them, is not guessed at", () => {
  const whole = withBlock("", ["x"]);
  for (
    const text of [
      "# damselfly: begin\nx\n",
      "x\n# damselfly: end\n",
      whole + whole,
      "# damselfly: end\n# damselfly: begin\n",
    ]
  ) {
    assert.throws(() => withoutBlock(text), { code: "failed_precondition" }, text);
    assert.throws(() => withBlock(text, []), { code: "failed_precondition" }, text);
  }
});
