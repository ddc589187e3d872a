import assert from "node:assert/strict";
import { silentLog } from "../../../runtime/log.ts";
import { VirtualClock } from "../../../testing/virtual_clock.ts";
import type { SqlDatabase } from "./database.ts";
import { ListMarks } from "./list_marks.ts";
import { migrate } from "./migrate.ts";
import { AUDITS, CONFIGS } from "./schema.ts";
import { MEMORY, openSqlite } from "./sqlite.ts";
import { SqlTable } from "./table.ts";
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

/** A database that tells which statements read it; `isShared` for one that others write to. */
async function watched({ isShared = false } = {}): Promise<{ database: SqlDatabase; reads: string[] }> {
  const database = openSqlite(MEMORY);
  await migrate(database, { clock: new VirtualClock(), place: MEMORY, migrate: true });
  const reads: string[] = [];
  const seen: SqlDatabase = {
    dialect: database.dialect,
    isShared,
    writesTo: (table) => isShared ? undefined : database.writesTo(table),
    all: (statement, values) => (reads.push(statement), database.all(statement, values)),
    run: (...args) => database.run(...args),
    insert: (...args) => database.insert(...args),
    transaction: (work) => database.transaction(work),
    migration: (work) => database.migration(work),
    [Symbol.asyncDispose]: async () => await database[Symbol.asyncDispose](),
  };
  return { database: seen, reads };
}

const config = (name: string) => ({ name, value: "", bio: "", userId: 0 });

Deno.test("a page that follows one which was read neither counts the list nor walks to its place", async () => {
  for (const isShared of [false, true]) {
    const { database, reads } = await watched({ isShared });
    await using _database = database;
    const table = new SqlTable(CONFIGS, silentLog());
    await table.insertMany(database, ["a", "b", "c", "d"].map(config), 1);
    const page = async (offset: number) => {
      reads.splice(0);
      const { rows, total } = await table.list(database, {}, { offset, limit: 2 });
      return [rows.map(({ name }) => name).join(""), total, reads.length, /OFFSET 2/.test(reads[0] ?? "")];
    };
    assert.deepEqual(await page(0), ["ab", 4, 2, false]);
    assert.deepEqual(await page(2), ["cd", 4, isShared ? 2 : 1, isShared]);
    await table.insert(database, config("e"), 1);
    assert.deepEqual(await page(2), ["cd", 5, 2, true]);
  }
});

Deno.test("lists that go by time are paged by their order and not by their ids", async () => {
  const { database } = await watched();
  await using _database = database;
  const table = new SqlTable(AUDITS, silentLog());
  const audit = (path: string) => ({
    ...{ actorType: "USER", actorName: "root", eventType: "API", operation: "GET", operatedAtMs: 0 } as const,
    ...{ state: "SUCCESS", path, statusCode: 200, detail: {} } as const,
  });
  for (const [path, ms] of [["b", 2], ["c", 1], ["a", 3]] as const) await table.insert(database, audit(path), ms);
  for (let round = 0; round < 2; round++) {
    const pages = [];
    for (const offset of [0, 1, 2]) pages.push((await table.list(database, {}, { offset, limit: 1 })).rows);
    assert.deepEqual(pages.flat().map(({ path }) => path), ["a", "b", "c"]);
  }
});
