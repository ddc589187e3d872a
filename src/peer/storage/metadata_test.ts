import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { prepareDatabase } from "./metadata.ts";

Deno.test("the database is synced with each checkpoint, so that a crash of the machine cannot damage it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const db = new DatabaseSync(`${dir}/metadata.db`);
    prepareDatabase(db, []);
    const [normal, full] = [1, 2];
    const { synchronous } = db.prepare("PRAGMA synchronous").get() as { synchronous: number };
    assert.ok(synchronous === normal || synchronous === full, `synchronous is ${synchronous}`);
    assert.equal(db.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
    db.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
