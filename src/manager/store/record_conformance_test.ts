/** The promises of the tables that are about people, settings and jobs; part of `storeConformance`. */
import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { AuditInput } from "./audits.ts";
import type { PeerInput } from "./peers.ts";
import type { Page } from "./repository.ts";
import { clusterInput, failsWith, jobInput, type OpenStore, type RegisterTest } from "./store_builders_test.ts";
import type { TokenInput } from "./tokens.ts";
import { hashToken } from "./token_hash.ts";
import { trafficConformance } from "./traffic_conformance_test.ts";
import { warmConformance } from "./warm_conformance_test.ts";

const ALL: Page = { offset: 0, limit: 100 };

function tokenInput(input: Partial<TokenInput> & { readonly name: string }): TokenInput {
  return {
    bio: "",
    tokenHash: hashToken(input.name),
    scopes: ["job"],
    state: "active",
    expiredAtMs: Date.UTC(2036, 0, 2, 3, 4, 5),
    userId: 1,
    ...input,
  };
}

function auditInput(input: Partial<AuditInput>): AuditInput {
  return {
    actorType: "USER",
    actorName: "root",
    eventType: "API",
    operation: "GET",
    operatedAtMs: 0,
    state: "SUCCESS",
    path: "/api/v1/clusters",
    statusCode: 200,
    detail: {},
    ...input,
  };
}

/** A peer as a test needs it. */
export function peerInput(input: Partial<PeerInput> & { readonly clusterId: number }): PeerInput {
  const unsaid = { idc: "", location: "", os: "", platform: "", platformFamily: "", platformVersion: "" };
  const unknown = { kernelVersion: "", gitVersion: "", gitCommit: "", buildPlatform: "" };
  const ports = { port: 4000, downloadPort: 4001, proxyPort: 4002, objectStoragePort: 0 };
  return {
    hostname: "node-1",
    ip: "10.1.0.1",
    type: "normal",
    state: "active",
    ...unsaid,
    ...unknown,
    ...ports,
    ...input,
  };
}

/** The promises of the tables of people, settings, peers and jobs. */
export function recordConformance(name: string, open: OpenStore, test: RegisterTest): void {
  userConformance(name, open, test);
  roleConformance(name, open, test);
  settingConformance(name, open, test);
  jobConformance(name, open, test);
  auditConformance(name, open, test);
  peerConformance(name, open, test);
  releaseConformance(name, open, test);
  warmConformance(name, open, test);
  trafficConformance(name, open, test);
}

function userConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: a user is found by name and id, and a name and an e-mail address are given once`, async () => {
    await using store = await open(new VirtualClock());
    const { id } = await store.users.create({ name: "root", passwordHash: "hash" });
    assert.equal((await store.users.findByName("root"))?.id, id);
    assert.equal(await store.users.findByName("ROOT"), undefined);
    assert.deepEqual(await store.users.get(id), await store.users.findByName("root"));
    assert.equal(await store.users.get(id + 1), undefined);
    const other = { name: "ann", passwordHash: "x", email: "ann@example.com" };
    await assert.rejects(store.users.create({ ...other, name: "root" }), failsWith("already_exists", /user "root"/));
    const ann = await store.users.create(other);
    assert.deepEqual([...await store.users.getMany([id, ann.id, 99])].map(([of]) => of), [id, ann.id]);
    await assert.rejects(
      store.users.create({ ...other, name: "bob" }),
      failsWith("already_exists", /user "bob": another user has this name, or this email/),
    );
  });

  test(`${name}: a user is changed in what is given, and only there`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const before = await store.users.create({ name: "ann", passwordHash: "old", email: "a@example.com", bio: "ä 猫" });
    await clock.advance(1_500);
    const after = await store.users.update(before.id, { passwordHash: "new", state: "disable" });
    const changed = { passwordHash: "new", state: "disable", updatedAtMs: before.updatedAtMs + 1_500 };
    assert.deepEqual(after, { ...before, ...changed });
    assert.deepEqual(await store.users.update(before.id, { state: "disable" }), after, "the same again is no failure");
    await assert.rejects(store.users.update(99, { bio: "x" }), failsWith("not_found", /change user 99/));
    assert.deepEqual((await store.users.list({ state: "disable" }, ALL)).rows, [after]);
    assert.deepEqual((await store.users.list({ state: "enable" }, ALL)).rows, []);
  });
}

function roleConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: of two who replace the same password one comes too late`, async () => {
    await using store = await open(new VirtualClock());
    const before = await store.users.create({ name: "root", passwordHash: "old" });
    const done = await Promise.all(["one", "two"].map((hash) => store.users.replacePassword(before, hash)));
    assert.deepEqual(done.toSorted(), [false, true]);
    const winner = ["one", "two"][done.indexOf(true)];
    assert.equal((await store.users.get(before.id))?.passwordHash, winner);
    assert.equal(await store.users.replacePassword({ id: 99, passwordHash: "old" }, "new"), false);
  });

  test(`${name}: users may do what their roles may, until a role or a right is taken`, async () => {
    await using store = await open(new VirtualClock());
    const { roles } = store;
    const readJobs = { object: "jobs", action: "read" } as const;
    const allUsers = { object: "users", action: "*" } as const;
    assert.equal(await roles.addPermissions("root", [readJobs, allUsers]), 2);
    assert.equal(await roles.addPermissions("root", [readJobs]), 0);
    assert.equal(await roles.addPermissions("guest", [readJobs]), 1);
    assert.deepEqual(await roles.roles(), ["guest", "root"]);
    assert.deepEqual(await roles.permissionsOf("root"), [readJobs, allUsers]);
    assert.deepEqual([await roles.grant(1, "root"), await roles.grant(1, "root")], [true, false]);
    await roles.grant(1, "guest");
    assert.deepEqual(await roles.rolesOfUser(1), ["guest", "root"]);
    assert.deepEqual(await roles.permissionsOfUser(1), [readJobs, allUsers]);
    assert.deepEqual(await roles.permissionsOfUser(2), []);
    assert.deepEqual([await roles.revoke(1, "root"), await roles.revoke(1, "root")], [true, false]);
    assert.deepEqual(await roles.permissionsOfUser(1), [readJobs]);
    assert.equal(await roles.removePermission("root", readJobs), true);
    assert.equal(await roles.removePermission("root", readJobs), false);
    assert.deepEqual([await roles.removeRole("guest"), await roles.removeRole("guest")], [true, false]);
    assert.deepEqual(await roles.rolesOfUser(1), []);
    assert.deepEqual(await roles.roles(), ["root"]);
  });

  test(`${name}: a secret is made once, and everybody gets the same`, async () => {
    await using store = await open(new VirtualClock());
    const got = await Promise.all(["a", "b", "c"].map((fresh) => store.secrets.getOrCreate("jwt", fresh)));
    assert.equal(new Set(got).size, 1);
    assert.equal(await store.secrets.getOrCreate("jwt", "d"), got[0]);
    assert.equal(await store.secrets.getOrCreate("other", "d"), "d");
  });
}

function settingConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: a token is found by its hash, with the time of its end to the second`, async () => {
    await using store = await open(new VirtualClock());
    const token = await store.tokens.create(tokenInput({ name: "ci" }));
    assert.deepEqual(await store.tokens.findByHash(hashToken("ci")), token);
    assert.equal(await store.tokens.findByHash("ci"), undefined);
    assert.equal(token.expiredAtMs, Date.UTC(2036, 0, 2, 3, 4, 5));
    await assert.rejects(
      store.tokens.create(tokenInput({ name: "x", tokenHash: token.tokenHash })),
      failsWith(
        "already_exists",
        /personal access token "x": another personal access token has this name, or this token/,
      ),
    );
    const inactive = await store.tokens.update(token.id, { state: "inactive", scopes: [] });
    assert.deepEqual((await store.tokens.list({ state: "inactive", userId: 1 }, ALL)).rows, [inactive]);
    await store.tokens.remove(token.id);
    await assert.rejects(store.tokens.remove(token.id), failsWith("not_found", /delete personal access token/));
  });

  test(`${name}: configs, applications and OAuth providers are kept as given, each name once`, async () => {
    await using store = await open(new VirtualClock());
    const config = await store.configs.create({ name: "gc", value: '{"job":1}', bio: "", userId: 0 });
    assert.deepEqual(await store.configs.findByName("gc"), config);
    await assert.rejects(store.configs.create(config), failsWith("already_exists", /config "gc"/));
    const priority = { value: 3 as const, urls: [{ regex: "^https://cdn", value: 6 }] };
    const application = await store.applications.create({
      name: "web",
      url: "https://web",
      bio: "",
      priority,
      userId: 7,
    });
    assert.deepEqual(await store.applications.all(), [application]);
    assert.deepEqual((await store.applications.list({ name: "web", userId: 7 }, ALL)).rows, [application]);
    const changed = await store.applications.update(application.id, { priority: { value: 1 } });
    assert.deepEqual(changed.priority, { value: 1 });
    const github = { name: "github", bio: "", clientId: "id", clientSecret: "secret", redirectUrl: "https://x" };
    const provider = await store.oauthProviders.create(github);
    assert.deepEqual(await store.oauthProviders.findByName("github"), provider);
    await assert.rejects(
      store.oauthProviders.create({ ...github, name: "google" }),
      failsWith("already_exists", /this name, or this client id/),
    );
  });
}

function jobConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: jobs are listed newest first, with their clusters, by state and type`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const args = { url: "https://r/v2/a", timeout: 3_600_000_000_000, headers: { a: "ä" } };
    const first = await store.jobs.create(jobInput({ args, schedulerClusterIds: [2, 1], seedPeerClusterIds: [3] }));
    assert.deepEqual([first.schedulerClusterIds, first.seedPeerClusterIds, first.args], [[1, 2], [3], args]);
    await clock.advance(1);
    const second = await store.jobs.create(jobInput({ type: "gc" }));
    assert.deepEqual((await store.jobs.list({}, ALL)).rows, [second, first]);
    assert.deepEqual((await store.jobs.list({ type: "preheat", state: "PENDING" }, ALL)).rows, [first]);
    const done = await store.jobs.update(first.id, {
      state: "SUCCESS",
      result: { purged: 1 },
      schedulerClusterIds: [],
    });
    assert.deepEqual(await store.jobs.get(first.id), done);
    assert.deepEqual([done.state, done.result, done.schedulerClusterIds, done.seedPeerClusterIds], [
      "SUCCESS",
      { purged: 1 },
      [],
      [3],
    ]);
    await assert.rejects(store.jobs.update(99, { bio: "x" }), failsWith("not_found", /change job 99/));
  });

  test(`${name}: jobs of a kind are counted since a time, that of the time included`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    await store.jobs.create(jobInput({ state: "FAILURE" }));
    await clock.advance(10);
    const second = await store.jobs.create(jobInput({ state: "FAILURE" }));
    await clock.advance(10);
    for (const input of [{ state: "SUCCESS" }, { state: "FAILURE", type: "gc" }, { state: "FAILURE" }] as const) {
      await store.jobs.create(jobInput(input));
    }
    const failed = { type: "preheat", state: "FAILURE" } as const;
    assert.equal(await store.jobs.countSince(failed, second.createdAtMs), 2);
    assert.equal(await store.jobs.countSince(failed, second.createdAtMs + 1), 1);
    assert.equal(await store.jobs.countSince({}, 0), 5);
  });

  test(`${name}: old jobs are removed with their links, some at a time`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    for (let count = 0; count < 3; count++) await store.jobs.create(jobInput({ schedulerClusterIds: [1] }));
    await clock.advance(10);
    const young = await store.jobs.create(jobInput({ schedulerClusterIds: [1] }));
    assert.equal(await store.jobs.removeBefore(young.createdAtMs, 2), 2);
    assert.equal(await store.jobs.removeBefore(young.createdAtMs, 2), 1);
    assert.equal(await store.jobs.removeBefore(young.createdAtMs, 2), 0);
    assert.deepEqual((await store.jobs.list({}, ALL)).rows, [young]);
    await store.jobs.remove(young.id);
    await assert.rejects(store.jobs.remove(young.id), failsWith("not_found", /delete job/));
  });
}

function auditConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: audits are added many at once and found by what they say`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    await store.audits.add([]);
    const operatedAtMs = Date.UTC(2026, 4, 5, 6, 7, 8);
    const many = Array.from({ length: 600 }, (_, index) => auditInput({ statusCode: index, operatedAtMs }));
    await store.audits.add(many);
    const { rows, total } = await store.audits.list({}, { offset: 0, limit: 2 });
    assert.deepEqual([total, ...rows.map(({ statusCode }) => statusCode)], [600, 599, 598]);
    assert.equal(rows[0]?.operatedAtMs, operatedAtMs);
    await clock.advance(5);
    await store.audits.add([auditInput({ actorType: "UNKNOWN", state: "FAILURE", path: "/x", detail: { a: 1 } })]);
    const [failed] = (await store.audits.list({ state: "FAILURE", path: "/x", actorType: "UNKNOWN" }, ALL)).rows;
    assert.deepEqual(failed?.detail, { a: 1 });
    assert.equal(await store.audits.removeBefore(failed?.createdAtMs ?? 0, 1_000), 600);
    assert.deepEqual((await store.audits.list({}, ALL)).rows, [failed]);
  });
}

function peerConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: pages that were read before are right after each kind of write`, async () => {
    await using store = await open(new VirtualClock());
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const peer = (n: number) => peerInput({ clusterId, hostname: `node-${n}` });
    const read = async () => {
      const { rows: all, total } = await store.peers.list({ clusterId }, ALL);
      assert.equal(total, all.length);
      for (const limit of [2, 2, 1, 3]) { // each goes by what those before have found
        for (let offset = 0; offset <= total; offset += limit) {
          const page = { rows: all.slice(offset, offset + limit), total };
          assert.deepEqual(await store.peers.list({ clusterId }, { offset, limit }), page);
        }
        assert.equal((await store.peers.list({ hostname: "node-0" }, ALL)).total, 1);
      }
      return all;
    };
    await store.peers.replace(clusterId, [0, 1, 2, 3, 4, 5].map(peer));
    await read();
    await store.peers.remove((await read())[1]?.id ?? 0);
    await read();
    await store.peers.create(peer(6));
    await read();
    await store.peers.replace(clusterId, [0, 3, 5, 7, 8, 9].map(peer));
    assert.equal((await read()).length, 6);
    await assert.rejects(store.peers.create(peer(7)));
    await read();
  });

  test(`${name}: the peers of a cluster are replaced as a whole, and those of others stay`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const other = await store.clusters.create(clusterInput({ name: "b" }));
    const elsewhere = await store.peers.create(peerInput({ clusterId: other.id }));
    const peer = (number: number, gitVersion = "1") => peerInput({ clusterId, hostname: `node-${number}`, gitVersion });
    await store.peers.replace(clusterId, Array.from({ length: 700 }, (_, index) => peer(index)));
    assert.equal((await store.peers.list({ clusterId }, ALL)).total, 700);
    const [same, changed] = (await store.peers.list({ clusterId }, { offset: 0, limit: 2 })).rows;
    await clock.advance(9);
    await store.peers.replace(clusterId, [peer(0), peer(1, "2"), peer(9_999)]);
    const { rows } = await store.peers.list({ clusterId }, ALL);
    assert.deepEqual(rows.map(({ hostname }) => hostname), ["node-0", "node-1", "node-9999"]);
    assert.deepEqual(rows.slice(0, 2), [
      same,
      { ...changed, gitVersion: "2", updatedAtMs: (changed?.updatedAtMs ?? 0) + 9 },
    ]);
    assert.deepEqual((await store.peers.list({ gitVersion: "1", clusterId: other.id }, ALL)).rows, []);
    assert.deepEqual(await store.peers.get(elsewhere.id), elsewhere);
    await assert.rejects(store.peers.replace(99, []), failsWith("not_found", /scheduler cluster 99/));
    await assert.rejects(store.peers.create(elsewhere), failsWith("already_exists", /host name and ip and scheduler/));
    await store.peers.remove(elsewhere.id);
    assert.equal(await store.peers.get(elsewhere.id), undefined);
  });
}

function releaseConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: the releases that peers of a cluster run are counted, and those of other clusters are not`, async () => {
    await using store = await open(new VirtualClock());
    const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
    const other = await store.clusters.create(clusterInput({ name: "b" }));
    await store.peers.create(peerInput({ clusterId: other.id, gitVersion: "2" }));
    const peer = (number: number, gitVersion: string, state: "active" | "inactive") => {
      return peerInput({ clusterId, hostname: `node-${number}`, gitVersion, gitCommit: "c", state });
    };
    const two = [peer(1, "2", "active"), peer(2, "2", "active")];
    await store.peers.replace(clusterId, [...two, peer(3, "2", "inactive"), peer(4, "1", "active")]);
    assert.deepEqual(await store.peers.versions(clusterId, 10), [
      { gitVersion: "2", gitCommit: "c", state: "active", count: 2 },
      { gitVersion: "1", gitCommit: "c", state: "active", count: 1 },
      { gitVersion: "2", gitCommit: "c", state: "inactive", count: 1 },
    ]);
    assert.deepEqual((await store.peers.versions(clusterId, 1)).map(({ count }) => count), [2]);
    assert.deepEqual(await store.peers.versions(99, 10), []);
    const { id: hostId } = (await store.peers.list({ hostname: "node-2" }, ALL)).rows[0] ?? { id: 0 };
    await store.peers.remove(hostId);
    await store.peers.create(peer(5, "2", "active"));
    await store.peers.create({ ...peer(6, "2", "active"), buildPlatform: "linux" });
    const counts = (await store.peers.counts()).map(({ clusterId: of, gitVersion, buildPlatform, state, count }) => {
      return `${of === clusterId ? "a" : "b"} ${gitVersion} ${buildPlatform} ${state} ${count}`;
    });
    assert.equal(counts[0], "a 2  active 2");
    assert.deepEqual(counts.slice(1).sort(), [
      "a 1  active 1",
      "a 2  inactive 1",
      "a 2 linux active 1",
      "b 2  active 1",
    ]);
  });
}
