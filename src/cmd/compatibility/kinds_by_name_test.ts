import assert from "node:assert/strict";
import { headers, variables } from "./kinds_by_name.ts";

Deno.test("a variable is there when the program may read it", () => {
  const kind = variables({ tool: { env: ["A"] }, other: { env: ["B"] } });
  assert.deepEqual(["A", "B"].map((name) => kind.find({ section: "tool", at: "tool" }, name, null)), [{
    verdict: "yes",
  }, { verdict: "no" }]);
});

Deno.test("a header is there when the table of the mirror has it, whatever its case", () => {
  const place = (at: string) => ({ section: at, at });
  const find = (at: string, name: string) => headers().find(place(at), name, "what it means");
  assert.deepEqual(find("requests", "X-Dragonfly-Registry"), { verdict: "yes", why: "what it means" });
  assert.deepEqual(find("answers", "X-Dragonfly-Registry"), { verdict: "no" });
  assert.deepEqual(find("answers", "X-Dragonfly-Task-ID"), { verdict: "yes", why: "what it means" });
  assert.ok(!headers().alone(place("requests"), ["X-Dragonfly-Registry"]).includes("x-dragonfly-registry"));
});
