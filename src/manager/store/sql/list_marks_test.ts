import assert from "node:assert/strict";
import { ListMarks } from "./list_marks.ts";
import { TableWrites } from "./table_writes.ts";

Deno.test("a mark is right until the next write to its table, and is not remembered where writes are not counted", () => {
  const marks = new ListMarks();
  marks.set("total", 5, 1);
  assert.equal(marks.get("total", 1), 5);
  assert.equal(marks.get("total", 2), undefined);
  marks.set("other", 6, 2);
  assert.equal(marks.get("total", 2), undefined, "what was found before a write is not taken for found after it");
  assert.equal(marks.get("other", 2), 6);
  marks.set("unknown", 7, undefined);
  assert.equal(marks.get("unknown", undefined), undefined);
});

Deno.test("writes count for their table, a DELETE and what is not understood for all, and those of others too", () => {
  const writes = new TableWrites();
  const count = () => [writes.to("peer", 1), writes.to("audit", 1)];
  const counted = [count()];
  for (
    const statement of [
      'INSERT INTO "peer" ("id") VALUES (?)',
      "UPDATE audit SET x = ?",
      'DELETE FROM "peer" WHERE id = ?',
      "ALTER TABLE x",
    ]
  ) {
    writes.note(statement);
    counted.push(count());
  }
  assert.deepEqual(
    counted.map(([peer = 0, audit = 0], n) => {
      const [before = [0, 0]] = counted.slice(Math.max(0, n - 1));
      return [peer > (before[0] ?? 0), audit > (before[1] ?? 0)];
    }),
    [[false, false], [true, false], [false, true], [true, true], [true, true]],
  );
  const before = writes.to("peer", 1);
  assert.ok(writes.to("peer", 2) > before, "another program has written to the file");
});
