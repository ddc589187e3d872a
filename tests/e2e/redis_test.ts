/** What managers do with a real Redis: one server, a cluster, a master with sentinels; and with one that comes and goes. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { ManagerConfig } from "../../src/config/manager.ts";
import { startManager } from "../../src/manager/manager.ts";
import { openRedisDatabases, type RedisDatabases } from "../../src/redis/redis_databases.ts";
import type { Redis } from "../../src/redis/redis.ts";
import { SharedScripts } from "../../src/manager/rest/shared_scripts.ts";
import type { ClientAddress } from "../../src/manager/rest/client_address.ts";
import { JobRateLimit } from "../../src/manager/rest/job_rate_limit.ts";
import { SharedJobRateLimit } from "../../src/manager/rest/shared_job_rate_limit.ts";
import { SharedSignInLimits } from "../../src/manager/rest/shared_sign_in_limits.ts";
import { type SignInLimiter, SignInLimits } from "../../src/manager/rest/sign_in_limits.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { type TestRuntime, testRuntime } from "../../src/testing/test_runtime.ts";
import { freePort } from "./lib/addresses.ts";
import { e2eTest, run } from "./lib/programs.ts";
import { REDIS_PROGRAM, type RedisServer, startRedis, startSentinel } from "./lib/redis_server.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const LOCAL = "127.0.0.1";
const PASSWORD = "sesame";
const USABLE_TIMEOUT_MS = 60_000;
const NEEDS = { programs: [REDIS_PROGRAM, "redis-cli"] };
const clock = realClock();

type RedisYaml = Readonly<Record<string, unknown>>;

/** A server that was started for one test. */
interface Stage extends AsyncDisposable {
  readonly dir: string;
  readonly port: number;
  readonly server: RedisServer;
}

async function serve(more: readonly string[] = []): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const { dir } = stack.use(await Workspace.create());
  const port = await freePort(LOCAL);
  const server = stack.use(await startRedis({ ip: LOCAL, port, dir }, more));
  const parts = stack.move();
  return { dir, port, server, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function open(redis: RedisYaml, runtime: TestRuntime): Promise<RedisDatabases> {
  const config = ManagerConfig.parse({ database: { redis } });
  const databases = await openRedisDatabases(config.database.redis, { ...runtime, disk: realDisk(realRandom()) }, "");
  assert(databases !== undefined);
  return databases;
}

/** Resolves when a database answers. */
function usable({ send, place }: Pick<Redis, "send" | "place">): Promise<unknown> {
  return waitFor(`an answer of ${place}`, USABLE_TIMEOUT_MS, async () => {
    await send("probe", ["SET", "probe", "1"]);
    return true;
  });
}

function usableAll({ shared, broker, backend }: RedisDatabases): Promise<unknown> {
  return Promise.all(
    [shared, broker, backend].map((redis) => usable({ place: redis.place, send: redis.send.bind(redis) })),
  );
}

e2eTest("each purpose has a database of its own, and a Redis that starts again is used again", NEEDS, async () => {
  await using stage = await serve(["--requirepass", PASSWORD]);
  const runtime = testRuntime();
  await using databases = await open({ addrs: [`${LOCAL}:${stage.port}`], password: PASSWORD, db: 5 }, runtime);
  await usableAll(databases);
  const { shared, broker, backend } = databases;
  await shared.send("a", ["SET", "a", "shared"]);
  await broker.send("a", ["SET", "a", "broker"]);
  assert.deepEqual([await shared.send("a", ["GET", "a"]), await backend.send("a", ["GET", "a"])], ["shared", null]);
  assert.equal(broker.place, `${LOCAL}:${stage.port}/1`);
  await stage.server.stop();
  await waitFor("the end of the connection", USABLE_TIMEOUT_MS, async () => {
    return await shared.send("a", ["GET", "a"]).then(
      () => undefined,
      ({ code }) => code === "unavailable" || undefined,
    );
  });
  await stage.server.restart();
  await usableAll(databases);
  assert.equal(await shared.send("a", ["GET", "a"]), null);
  const places = runtime.log.lines.filter(({ fields }) => fields["place"] === shared.place);
  assert.deepEqual(places.map(({ level }) => level), ["info", "warn", "info"]);
});

e2eTest("a wrong password is said, with the address and without the password", NEEDS, async () => {
  await using stage = await serve(["--requirepass", "another"]);
  const runtime = testRuntime();
  await using databases = await open({ addrs: [`${LOCAL}:${stage.port}`], password: PASSWORD }, runtime);
  const { shared } = databases;
  await waitFor("the warning", USABLE_TIMEOUT_MS, () => runtime.log.lines.length === 3 || undefined);
  assert.deepEqual(runtime.log.lines.map(({ level }) => level), ["warn", "warn", "warn"], "one for each database");
  const [line] = runtime.log.lines;
  assert.match(String(line?.fields["error"]), /WRONGPASS/);
  assert.match(String(line?.fields["place"]), new RegExp(`^${LOCAL}:${stage.port}/`));
  await assert.rejects(shared.send("a", ["GET", "a"]), { code: "unavailable" });
  assert(!JSON.stringify(runtime.log.lines.map(({ fields }) => String(fields["error"]))).includes(PASSWORD));
});

e2eTest("a Redis Cluster has one database for all", NEEDS, async () => {
  await using stage = await serve(["--cluster-enabled", "yes", "--cluster-announce-ip", LOCAL]);
  await run("redis-cli", ["-h", LOCAL, "-p", `${stage.port}`, "cluster", "addslotsrange", "0", "16383"]);
  const addr = `${LOCAL}:${stage.port}`;
  await using databases = await open({ addrs: [addr, addr] }, testRuntime());
  await usableAll(databases);
  assert.equal(databases.shared, databases.backend);
  const scripts = new SharedScripts({ redis: databases.shared, clock, log: silentLog() });
  const limits = new SharedSignInLimits(scripts, new SignInLimits(clock));
  assert.equal(await failuresOf(limits, "root", at("network")), 5);
  const rate = new SharedJobRateLimit(scripts, new JobRateLimit(clock));
  assert.equal(await rate.take([1, 2, 3].map((id) => ({ id, jobRateLimit: 1 }))), true);
});

e2eTest("a master is found through its sentinels", NEEDS, async () => {
  await using stage = await serve(["--requirepass", PASSWORD]);
  const port = await freePort(LOCAL);
  await using _sentinel = await startSentinel({ ip: LOCAL, port, dir: stage.dir }, [
    ...[`sentinel monitor main ${LOCAL} ${stage.port} 1`, `sentinel auth-pass main ${PASSWORD}`, "requirepass watch"],
  ]);
  const sentinels = { addrs: [`${LOCAL}:${port}`], masterName: "main", password: PASSWORD, sentinelPassword: "watch" };
  await using databases = await open(sentinels, testRuntime());
  await usableAll(databases);
  assert.equal(databases.broker.place, `main by ${LOCAL}:${port}/1`);
});

e2eTest("a connection in TLS is checked, with our own certificate where Redis wants one", NEEDS, async () => {
  const ours = testCertificates("a");
  const files = ["--tls-cert-file", ours.cert, "--tls-key-file", ours.key, "--tls-ca-cert-file", ours.caCert];
  const port = await freePort(LOCAL);
  await using _stage = await serve(["--tls-port", `${port}`, ...files]);
  const addrs = [`${LOCAL}:${port}`];
  const own = { cert: ours.cert, key: ours.key };
  await using databases = await open({ addrs, tls: { caCert: ours.caCert, ...own } }, testRuntime());
  await usableAll(databases);
  await using unchecked = await open({ addrs, tls: { insecureSkipVerify: true, ...own } }, testRuntime());
  await usableAll(unchecked);
  const runtime = testRuntime();
  await using _strangers = await open({ addrs, tls: { caCert: testCertificates("b").caCert, ...own } }, runtime);
  await waitFor("the warning", USABLE_TIMEOUT_MS, () => runtime.log.lines.length >= 3 || undefined);
  assert.deepEqual(runtime.log.lines.map(({ level }) => level), ["warn", "warn", "warn"]);
});

const at = (network: string): ClientAddress => ({ ip: network, network, isLocal: false });

/** How often a guess is allowed. */
async function failuresOf(limits: SignInLimiter, account: string, client: ClientAddress): Promise<number> {
  for (let count = 0; count < 100; count++) {
    if (await limits.take(account, client) !== undefined) return count;
  }
  return Infinity;
}

e2eTest("managers that count together decide as one manager would, whatever happens", NEEDS, async () => {
  await using stage = await serve();
  await using databases = await open({ addrs: [`${LOCAL}:${stage.port}`] }, testRuntime());
  await usableAll(databases);
  const { shared } = databases;
  const step = fc.record({
    manager: fc.nat(1),
    account: fc.constantFrom("root", "ada"),
    client: fc.constantFrom(at("a"), at("b"), { ...at("c"), isLocal: true }),
    isRight: fc.boolean(),
    isSignUp: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120 }), async (steps) => {
      await shared.send("", ["FLUSHALL"]);
      const one = new SignInLimits(clock);
      const many = [1, 2].map(() => {
        const scripts = new SharedScripts({ redis: shared, clock, log: silentLog() });
        return new SharedSignInLimits(scripts, new SignInLimits(clock));
      });
      for (const { manager, account, client, isRight, isSignUp } of steps) {
        const any = many[manager];
        assert(any !== undefined);
        if (isSignUp) {
          assert.equal(await any.takeSignUp(client) === undefined, one.takeSignUp(client) === undefined);
          continue;
        }
        const [theirs, its] = [await any.take(account, client), one.take(account, client)];
        assert.equal(theirs === undefined, its === undefined, `${account} from ${client.network}`);
        if (its !== undefined || !isRight) continue;
        await any.succeeded(account, client);
        one.succeeded(account, client);
      }
    }),
    { numRuns: 20 },
  );
});

e2eTest("who signed in at one manager is no stranger at the others, who lock out only strangers", NEEDS, async () => {
  await using stage = await serve();
  await using databases = await open({ addrs: [`${LOCAL}:${stage.port}`] }, testRuntime());
  await usableAll(databases);
  const { shared } = databases;
  const limits = [1, 2].map(() => {
    const scripts = new SharedScripts({ redis: shared, clock, log: silentLog() });
    return new SharedSignInLimits(scripts, new SignInLimits(clock));
  });
  const [one, other] = limits;
  assert(one !== undefined && other !== undefined);
  const signIn = async () => {
    assert.equal(await one.take("root", at("home")), undefined);
    await one.succeeded("root", at("home"));
  };
  for (let time = 0; time < 40; time++) await signIn();
  let allowed = 0;
  while (await limits[allowed % 2]?.take("root", at(`stranger ${allowed}`)) === undefined) allowed++;
  assert.equal(allowed, 30, "what was right took nothing from strangers");
  assert.equal(await other.take("root", at("home")), undefined, "he signed in at the other manager");
  assert.equal(await other.take("root", { ...at("here"), isLocal: true }), undefined);
  assert.equal(await one.take("ada", at("stranger 99")), undefined, "another account is not concerned");
  await other.succeeded("root", at("home"));
  assert.notEqual(await other.take("root", at("stranger 99")), undefined, "his success gives nothing to strangers");

  const known = "{damselfly:sign_in}:known";
  const others = Array.from({ length: 10_000 }, (_, n) => ["1", `network ${n}`]).flat();
  await shared.send(known, ["ZADD", known, ...others]);
  await signIn();
  assert.equal(await shared.send(known, ["ZCARD", known]), 10_000);
  assert.equal(await other.take("root", at("home")), undefined, "those who were silent for longest are forgotten");
});

e2eTest(
  "managers share the rate of a cluster's jobs; one that has too many gets none, nor do the others",
  NEEDS,
  async () => {
    await using stage = await serve();
    await using databases = await open({ addrs: [`${LOCAL}:${stage.port}`] }, testRuntime());
    await usableAll(databases);
    const limits = [1, 2].map(() => {
      const scripts = new SharedScripts({ redis: databases.shared, clock, log: silentLog() });
      return new SharedJobRateLimit(scripts, new JobRateLimit(clock));
    });
    const startedAtMs = clock.now();
    const takes = Array.from({ length: 20 }, (_, n) => limits[n % 2]?.take([{ id: 7, jobRateLimit: 5 }]));
    const taken = (await Promise.all(takes)).filter((isTaken) => isTaken).length;
    const most = 5 + Math.ceil((clock.now() - startedAtMs) / 200);
    assert(taken >= 5 && taken <= most, `${taken} of ${most}`);
    const [one] = limits;
    const slow = { id: 9, jobRateLimit: 1 };
    assert.equal(await one?.take([slow, { id: 8, jobRateLimit: undefined }]), true);
    const [again, alone] = [
      await one?.take([slow, { id: 10, jobRateLimit: 1 }]),
      await one?.take([{ id: 10, jobRateLimit: 1 }]),
    ];
    assert.equal(alone, true, "what was not counted for all was counted for none");
    assert(!again || clock.now() - startedAtMs > 1_000);
  },
);

e2eTest("guesses at one manager count at the other, and go on to be counted while Redis is away", NEEDS, async () => {
  await using stage = await serve();
  const config = ManagerConfig.parse({
    server: { grpc: { listenIP: LOCAL, port: 0 }, rest: { addr: `${LOCAL}:0` } },
    database: { sqlite: { path: ":memory:" }, redis: { addrs: [`${LOCAL}:${stage.port}`] } },
  });
  const runtimes = [testRuntime(), testRuntime()];
  const [one, other] = await Promise.all(runtimes.map((runtime) => startManager(config, runtime)));
  assert(one !== undefined && other !== undefined);
  await using _one = one;
  await using _other = other;
  const connected = (count: number) =>
    waitFor("all connections", USABLE_TIMEOUT_MS, () => {
      const isUsed = (lines: TestRuntime["log"]["lines"]) => {
        return lines.filter(({ message }) => message === "Redis can be used").length === count;
      };
      return runtimes.every(({ log }) => isUsed(log.lines)) || undefined;
    });
  await connected(3);
  const guess = async ({ rest }: typeof one, name: string) => {
    const body = JSON.stringify({ name, password: "wrong" });
    const answer = await fetch(`http://${LOCAL}:${rest.port}/api/v1/users/signin`, { method: "POST", body });
    await answer.body?.cancel();
    return answer.status;
  };
  const guesses = async (name: string, managers: readonly (typeof one)[]) => {
    const statuses: number[] = [];
    for (const manager of managers) statuses.push(await guess(manager, name));
    return statuses;
  };
  assert.deepEqual(await guesses("ada", [one, other, one, other, one]), [401, 401, 401, 401, 401]);
  assert.deepEqual(await guesses("ada", [one, other]), [429, 429]);

  Deno.kill(stage.server.pid, "SIGSTOP");
  const startedAtMs = clock.now();
  assert.equal(await guess(one, "grace"), 401);
  const tookMs = clock.now() - startedAtMs;
  Deno.kill(stage.server.pid, "SIGCONT");
  assert(tookMs < 5_000, `a sign-in waited ${tookMs} ms for a Redis that stands still`);

  await stage.server.stop();
  assert.deepEqual(await guesses("eve", [one, one, one, one, one, one]), [401, 401, 401, 401, 401, 429]);
  assert.equal(await guess(other, "eve"), 401, "each counts by itself");
  assert(runtimes[0]?.log.lines.some(({ message }) => message.startsWith("Sign-ins and jobs are limited by this")));
  await stage.server.restart();
  await connected(6);
  assert.deepEqual(await guesses("mallory", [one, other, one, other, one, other]), [401, 401, 401, 401, 401, 429]);
});
