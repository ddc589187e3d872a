import assert from "node:assert/strict";
import { seededRandom } from "../../../testing/seeded_random.ts";
import { VirtualClock } from "../../../testing/virtual_clock.ts";
import { failsWith } from "../store_builders_test.ts";
import { POSTGRES } from "./dialect.ts";
import { openServer, type ServerDriver } from "./server_database.ts";

const SECONDS_15 = 15_000;
const MINUTES_10 = 10 * 60_000;

/** A server that never answers the statement `stuckAt`, and whose connections count. */
async function open(stuckAt: string, onStuck: () => void) {
  const clock = new VirtualClock();
  const connections: { isOpen: boolean; readonly statements: string[] }[] = [];
  const driver: ServerDriver = {
    dialect: POSTGRES,
    returningId: "",
    lockSchema: async (connection) => void await connection.query("LOCK", []),
    unlockSchema: async (connection) => void await connection.query("UNLOCK", []),
    failureOf: () => "unreachable",
    connect() {
      const connection = {
        isOpen: true,
        statements: [] as string[],
        query(statement: string) {
          connection.statements.push(statement);
          if (statement !== stuckAt) return Promise.resolve({ rows: [], changes: 0, id: 0 });
          onStuck();
          return new Promise<never>(() => {});
        },
        end: () => Promise.resolve(),
        destroy: () => void (connection.isOpen = false),
      };
      connections.push(connection);
      return Promise.resolve(connection);
    },
  };
  const database = await openServer(driver, { place: "db", clock, random: seededRandom(1) });
  return { database, clock, connections };
}

for (const stuckAt of ["BEGIN", "COMMIT", "ROLLBACK"]) {
  Deno.test(`a transaction whose ${stuckAt} is never answered fails in time and gives its connection up`, async () => {
    const stuck = Promise.withResolvers<void>();
    const { database, clock, connections } = await open(stuckAt, stuck.resolve);
    await using _database = database;
    const done = database.transaction(async (sql) => {
      await sql.run("UPDATE");
      if (stuckAt === "ROLLBACK") throw new Error("undo it");
    });
    const failed = assert.rejects(done, failsWith("unavailable", /database db: a statement took longer than 15000 ms/));
    await stuck.promise;
    await clock.advance(SECONDS_15);
    await failed;
    assert.deepEqual(connections.map(({ isOpen }) => isOpen), [false]);
    assert.equal(connections[0]?.statements.at(-1), stuckAt, "nothing is said on a connection that is cut");
    await database.all("SELECT 1");
    assert.equal(connections.length, 2, "the next one has a new connection");
  });
}

Deno.test("a statement of a migration has the time that a large table takes, and no more", async () => {
  const stuck = Promise.withResolvers<void>();
  const { database, clock, connections } = await open("ALTER", stuck.resolve);
  await using _database = database;
  const done = database.migration(async (sql) => void await sql.run("ALTER"));
  const failed = assert.rejects(done, failsWith("unavailable", /took longer than 600000 ms/));
  await stuck.promise;
  await clock.advance(SECONDS_15);
  assert.equal(connections[0]?.isOpen, true);
  await clock.advance(MINUTES_10);
  await failed;
  assert.equal(connections[0]?.isOpen, false);
  assert.deepEqual(connections[0]?.statements, ["SELECT 1", "BEGIN", "LOCK", "ALTER"], "nothing on a connection cut");
});
