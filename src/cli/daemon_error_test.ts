import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { failureText } from "./daemon_error.ts";

const PLACE = { endpoint: "/run/d.sock", timeout: 10_000 };

Deno.test("what dfdaemon said is what people read, and where it said nothing they learn why", () => {
  const textOf = (code: "internal" | "unimplemented", details: string) => {
    return failureText(new DamselflyError(code, "Cannot call it", { cause: { details } }), PLACE);
  };
  assert.equal(textOf("internal", "The disk is full"), "The disk is full");
  assert.equal(textOf("internal", ""), "Cannot call it");
  assert.equal(textOf("unimplemented", "Not on Sundays"), "Not on Sundays");
  assert.match(
    textOf("unimplemented", ""),
    /^The dfdaemon at \/run\/d\.sock does not know this call: it is Dragonfly's/,
  );
});

Deno.test("what others named does not steer the terminal", () => {
  const error = new DamselflyError("source_error", "Cannot fetch \x1b]0;owned\x07\nnext \u202eline");
  assert.equal(failureText(error, PLACE), "Cannot fetch ?]0;owned??next ?line");
});
