import assert from "node:assert/strict";
import { found, well } from "./finding.ts";
import { reportJson, reportText } from "./report.ts";

const OUTCOMES = [
  well("doctor.config", "dfdaemon.yaml", "is valid"),
  found("doctor.disk.low", "/var", "is low", "make room"),
  found("doctor.mirror.unreachable", "127.0.0.1:4001", "nobody\x1b[2J answers", "start it"),
  found("doctor.manager.none", "manager.addr", "is not set"),
];

Deno.test("the report has a line for each check, then what mends it, the worst first", () => {
  const text = reportText(OUTCOMES, { isColoured: false });
  assert.equal(
    text,
    `ok    config        dfdaemon.yaml: is valid
warn  disk          /var: is low
FAIL  mirror        127.0.0.1:4001: nobody?[2J answers
info  manager       manager.addr: is not set

What mends it, the worst first:
 1. doctor.mirror.unreachable  127.0.0.1:4001
      start it
 2. doctor.disk.low  /var
      make room

1 broken, 1 to look at.
`,
  );
});

Deno.test("what needs nothing is not among what is to be mended", () => {
  const outcomes = [
    found("doctor.runtime.docker_hub_only", "docker", "asks for Docker Hub only", "another runtime"),
    found("doctor.canary.failed", "alpine", "is nowhere"),
  ];
  assert.doesNotMatch(reportText(outcomes, { isColoured: false }), /another runtime|What mends it/);
});

Deno.test("where all is well the report says that, and nothing is to be mended", () => {
  assert.match(reportText(OUTCOMES.slice(0, 1), { isColoured: false }), /is valid\n\nAll is well\.\n$/);
});

Deno.test("colours are for terminals only", () => {
  assert.ok(reportText(OUTCOMES, { isColoured: true }).includes("\x1b[31;1mFAIL\x1b[0m"));
  assert.ok(!reportText(OUTCOMES, { isColoured: false }).includes("\x1b"));
});

Deno.test("the JSON has every check with its id, and counts", () => {
  const told = JSON.parse(reportJson(OUTCOMES));
  assert.deepEqual([told.failures, told.warnings, told.checks.length], [1, 1, 4]);
  const [fine, low] = told.checks;
  assert.deepEqual(fine, { id: "doctor.config", level: "ok", subject: "dfdaemon.yaml", what: "is valid", mend: null });
  assert.equal(low.mend, "make room");
});
