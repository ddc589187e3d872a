/** dfctl against a real manager: signing in, and all that it shows and changes. */
import assert from "node:assert/strict";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { ManagerConfig } from "../../src/config/manager.ts";
import { type Manager, startManager } from "../../src/manager/manager.ts";
import { startHttpServer } from "../../src/http/serve.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realNet } from "../../src/runtime/real_net.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { Dfctl } from "./dfctl_stage.ts";
import { MovableClock } from "./stage.ts";

const PASSWORD = "correct horse battery";
/** Some more than a page has. */
const PEERS = 503;
const HOUR_MS = 60 * 60_000;

/** A manager, and a dfctl that nobody has signed in with. */
class Stage implements AsyncDisposable {
  readonly clock = new MovableClock();
  readonly #stack = new AsyncDisposableStack();
  manager!: Manager;
  dfctl!: Dfctl;

  static async open(config: Record<string, unknown> = {}): Promise<Stage> {
    const stage = new Stage();
    const parsed = ManagerConfig.parse({
      server: { grpc: { listenIP: "127.0.0.1", port: 0 }, rest: { addr: "127.0.0.1:0", ...config["rest"] as object } },
      database: { sqlite: { path: ":memory:" } },
      auth: config["auth"] ?? {},
    });
    const env = { DRAGONFLY_INITIAL_ROOT_PASSWORD: PASSWORD };
    const disk = realDisk(realRandom());
    stage.manager = stage.#stack.use(await startManager(parsed, testRuntime({ clock: stage.clock, env, disk })));
    stage.dfctl = stage.#stack.use(await Dfctl.open({ clock: stage.clock }));
    return stage;
  }

  get url(): string {
    return `http://127.0.0.1:${this.manager.rest.port}`;
  }

  /** Signs root in. */
  async signIn(): Promise<Dfctl> {
    const { code, errors } = await this.dfctl.run(["login", this.url, "--password-stdin"], { input: `${PASSWORD}\n` });
    assert.equal(code, 0, errors);
    return this.dfctl;
  }

  async [Symbol.asyncDispose]() {
    await this.#stack.disposeAsync();
  }
}

Deno.test("a login is kept for its user alone, says who it is, and is forgotten", async () => {
  await using stage = await Stage.open();
  const { dfctl, url } = stage;
  const before = await dfctl.run(["cluster", "list"]);
  assert.deepEqual([before.code, before.output], [1, ""]);
  assert.match(before.errors, /Not signed in: run dfctl login http/);

  await stage.signIn();
  assert.equal((await stat(dfctl.loginPath)).mode & 0o777, 0o600);
  assert.ok(!(await readFile(dfctl.loginPath, "utf8")).includes(PASSWORD), "the password is kept");
  const { ends, ...who } = await dfctl.json("whoami");
  assert.deepEqual(who, { manager: url, user: "root", roles: ["root"] });
  assert.ok(Date.parse(ends) > stage.clock.wallMs());

  await chmod(dfctl.loginPath, 0o644);
  await dfctl.output("whoami");
  assert.equal((await stat(dfctl.loginPath)).mode & 0o777, 0o600, "a file that others could read is closed to them");
  await dfctl.output("logout");
  assert.equal((await dfctl.run(["whoami"])).code, 1);
});

Deno.test("a password is typed unseen or read from standard input, and a wrong one changes nothing", async () => {
  await using stage = await Stage.open();
  const { dfctl, url } = stage;
  const typed = await dfctl.run(["login", url], { typed: [PASSWORD] });
  assert.deepEqual([typed.code, typed.errors], [0, "Password of root: \n"]);
  const kept = await readFile(dfctl.loginPath, "utf8");
  const wrong = await dfctl.run(["login", url, "--password-stdin"], { input: "guessed" });
  assert.equal(wrong.code, 1);
  assert.match(wrong.errors, /Cannot sign in as root at .*: the name or the password is wrong/);
  assert.equal(await readFile(dfctl.loginPath, "utf8"), kept);
  const both = await dfctl.run(["login", url, "--token-stdin", "--user", "ada"], { input: "token" });
  assert.deepEqual([both.code, /--user <name>' cannot be used with/.test(both.errors)], [2, true], both.errors);
  const tls = await dfctl.run(["login", url.replace("http:", "https:"), "--password-stdin"], { input: PASSWORD });
  assert.deepEqual([tls.code, /it speaks plain HTTP: ask it at http:/.test(tls.errors)], [3, true], tls.errors);
  const nobody = await dfctl.run(["login", url]);
  assert.match(nobody.errors, /no terminal; --password-stdin reads it from there/);
  for (
    const args of [["login"], ["login", "ftp://x"], [
      "login",
      `${url}/path`,
    ], ["login", url, "--password", "x"]]
  ) {
    assert.equal((await dfctl.run(args)).code, 2, args.join(" "));
  }
  const insecure = await dfctl.run(["login", url, "--insecure"]);
  assert.deepEqual([insecure.code, /--ca/.test(insecure.errors)], [2, true]);
});

Deno.test("a session that has ended is renewed, as long as the manager renews it", async () => {
  await using stage = await Stage.open({ auth: { jwt: { timeout: "2h", maxRefresh: "5h" } } });
  const dfctl = await stage.signIn();
  const token = async () => JSON.parse(await readFile(dfctl.loginPath, "utf8")).token;
  const first = await token();
  await dfctl.output("cluster", "list");
  assert.equal(await token(), first, "a young session stays as it is");
  stage.clock.forward(3 * HOUR_MS);
  await dfctl.output("cluster", "list");
  assert.notEqual(await token(), first);
  assert.equal((await stat(dfctl.loginPath)).mode & 0o777, 0o600);
  stage.clock.forward(3 * HOUR_MS);
  const ended = await dfctl.run(["cluster", "list"]);
  assert.equal(ended.code, 1);
  assert.match(
    ended.errors,
    new RegExp(`Not signed in at ${stage.url}, or not any more: run dfctl login ${stage.url}`),
  );
});

Deno.test("a session that only the manager knows to have ended is renewed too", async () => {
  await using stage = await Stage.open({ auth: { jwt: { timeout: "2h", maxRefresh: "5h" } } });
  await using late = await Dfctl.open();
  const login = await late.run(["login", stage.url, "--password-stdin"], { input: PASSWORD });
  assert.equal(login.code, 0, login.errors);
  stage.clock.forward(3 * HOUR_MS);
  assert.equal((await late.json("cluster", "list")).length, 1);
});

Deno.test("a personal access token opens jobs and clusters, from the file or the environment, and is shown once", async () => {
  await using stage = await Stage.open();
  const { url } = stage;
  const dfctl = await stage.signIn();
  const made = await dfctl.run(["token", "create", "ci", "--expires", "7d", "--scope", "job"]);
  const secret = made.output.trim();
  assert.match(secret, /^[\w-]{40,}$/);
  assert.match(made.errors, /it is shown this once/);
  const [token, ...others] = await dfctl.json("token", "list");
  assert.deepEqual([token.name, token.token, token.scopes, others], ["ci", "", ["job"], []]);

  const env = { DFCTL_MANAGER: url, DFCTL_TOKEN: secret };
  assert.equal((await dfctl.run(["job", "list"], { env })).code, 0);
  const clusters = await dfctl.run(["cluster", "list"], { env });
  assert.match(clusters.errors, /Required permission: cluster/);
  assert.match(
    (await dfctl.run(["user", "list"], { env })).errors,
    /opens jobs, warm images, clusters and savings only/,
  );
  assert.match((await dfctl.run(["match"], { env })).errors, /opens jobs, warm images, clusters and savings only/);
  assert.match((await dfctl.run(["job", "list"], { env: { DFCTL_TOKEN: secret } })).errors, /one is not set/);

  const login = await dfctl.run(["login", url, "--token-stdin"], { input: secret });
  assert.equal(login.code, 0, login.errors);
  assert.match(await dfctl.output("whoami"), /USER +a personal access token/);
  const unknown = await dfctl.run(["login", url, "--token-stdin"], { input: "nobodys" });
  assert.match(unknown.errors, /does not know this personal access token/);
  await stage.signIn();
  await dfctl.output("token", "revoke", String(token.id));
  assert.equal((await dfctl.run(["job", "list"], { env })).code, 1);
});

Deno.test("clusters are made, changed in part, shown and removed, by id and by name", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  const made = await dfctl.json(
    ...["cluster", "create", "berlin", "--description", "racks", "--cidr", "10.0.0.0/8", "--cidr", "192.168.0.0/16"],
    ...["--idc", "b1|b2", "--job-rate-limit", "7", "--peer-load-limit", "9"],
  );
  assert.deepEqual([made.name, made.bio, made.scopes.cidrs, made.is_default], [
    ...["berlin", "racks", ["10.0.0.0/8", "192.168.0.0/16"], false],
  ]);
  const changed = await dfctl.json("cluster", "update", "berlin", "--candidate-parent-limit", "5", "--cidr", "");
  assert.deepEqual(changed.scopes, { ...made.scopes, cidrs: [] });
  const { candidate_parent_limit, job_rate_limit } = changed.scheduler_cluster_config;
  assert.deepEqual([candidate_parent_limit, job_rate_limit, changed.peer_cluster_config.load_limit], [5, 7, 9]);
  await dfctl.output("cluster", "update", String(made.id), "--name", "munich", "--default", "yes");
  const shown = await dfctl.output("cluster", "show", "munich");
  assert.match(shown, /^DEFAULT +yes$/m);
  assert.match(shown, /^CANDIDATE PARENT LIMIT +5$/m);
  await dfctl.output("cluster", "update", "munich", "--description", "x");
  assert.equal((await dfctl.json("cluster", "show", "munich")).is_default, true, "what no option names stays");

  const twice = await dfctl.run(["cluster", "create", "munich"]);
  assert.deepEqual([twice.code, /munich/.test(twice.errors)], [1, true], twice.errors);
  assert.match((await dfctl.run(["cluster", "show", "paris"])).errors, /Cannot find "paris" among the clusters/);
  assert.match((await dfctl.run(["cluster", "show", "99"])).errors, /dfctl: Cannot find cluster 99: it does not exist/);
  assert.match((await dfctl.run(["cluster", "delete", "munich"])).errors, /make another one the default first/);
  await dfctl.output("cluster", "update", "cluster-1", "--default", "yes");
  await dfctl.output("cluster", "delete", "munich");
  assert.deepEqual((await dfctl.json("cluster", "list")).map(({ name }: { name: string }) => name), ["cluster-1"]);
});

Deno.test("match tells which cluster a host belongs to, and why", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  await dfctl.output("cluster", "create", "berlin", "--cidr", "10.0.0.0/8");
  const none = await dfctl.output("match", "--ip", "10.1.2.3");
  assert.match(none, /^ +2 +berlin +10\.0\.0\.0\/8 +- +- +- +- +0$/m);
  assert.match(none, /No cluster has a live scheduler: the host downloads from the source\.\n$/);
  assert.equal((await dfctl.json("match", "--hostname", "h")).winner, null);
});

Deno.test("lists are read page by page, and end where they are told to", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  const { token } = JSON.parse(await readFile(dfctl.loginPath, "utf8"));
  const ports = { port: 4000, download_port: 4001, proxy_port: 4002 };
  for (let index = 0; index < PEERS; index++) {
    const place = { host_name: `node-${index}`, ip: `10.0.${index >> 8}.${index & 255}`, state: "active" };
    const body = JSON.stringify({ ...place, ...ports, type: "normal", scheduler_cluster_id: 1 });
    const headers = { authorization: `Bearer ${token}` };
    assert.equal(
      (await (await fetch(`${stage.url}/api/v1/peers`, { method: "POST", headers, body })).json()).port,
      4000,
    );
  }
  const all = await dfctl.json("peer", "list", "--limit", "5000");
  assert.equal(new Set(all.map(({ host_name }: { host_name: string }) => host_name)).size, PEERS);
  const some = await dfctl.run(["peer", "list", "--limit", "501", "--cluster", "cluster-1", "--state", "active"]);
  assert.equal(some.output.trimEnd().split("\n").length, 502);
  assert.match(some.errors, /These are the first 501; --limit shows more/);
  assert.equal((await dfctl.run(["peer", "list", "--limit", String(PEERS)])).errors, "");
  const none = await dfctl.run(["peer", "list", "--hostname", "nobody"]);
  assert.deepEqual([none.code, none.output, none.errors], [0, "", "There are none.\n"]);
  for (const noun of ["scheduler", "seed-peer"]) {
    assert.deepEqual(await dfctl.json(noun, "list", "--cluster", "cluster-1"), []);
  }
});

Deno.test("users are made, given roles, disabled, and change their passwords", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  await using other = await Dfctl.open({ clock: stage.clock });
  const create = ["user", "create", "ada", "--email", "ada@example.com", "--password-stdin"];
  assert.equal((await dfctl.run(create, { input: "lovelace-1815" })).code, 0);
  const login = ["login", stage.url, "--user", "ada", "--password-stdin"];
  assert.equal((await other.run(login, { input: "lovelace-1815" })).code, 0);
  const refused = await other.run(["cluster", "create", "hers"]);
  assert.deepEqual([refused.code, /Your roles do not allow this/.test(refused.errors)], [1, true], refused.errors);
  await dfctl.output("user", "grant", "ada", "root");
  assert.match(await dfctl.output("user", "show", "ada"), /^ROLES +guest,root$/m);
  assert.match((await dfctl.run(["user", "grant", "ada", "root"])).errors, /ada has the role root already/);
  assert.equal((await other.run(["cluster", "create", "hers"])).code, 0);

  const typed = ["lovelace-1815", "analytical engine", "analytical engin"];
  assert.match((await other.run(["user", "reset-password"], { typed })).errors, /not the same both times/);
  const guessed = await other.run(["user", "reset-password", "--passwords-stdin"], {
    input: "difference engine\nanalytical engine\n",
  });
  assert.deepEqual([guessed.code, guessed.errors], [
    1,
    "dfctl: Cannot change the password: the old one is wrong, or the user is disabled\n",
  ]);
  const lines = { input: "lovelace-1815\nanalytical engine\n" };
  const changed = await other.run(["user", "reset-password", "--passwords-stdin"], lines);
  assert.equal(changed.code, 0, changed.errors);
  assert.equal((await other.json("whoami")).user, "ada", "the session goes on under the new password");
  assert.equal((await other.run(login, { input: "lovelace-1815" })).code, 1);

  assert.equal((await dfctl.json("user", "disable", "ada")).state, "disable");
  assert.equal((await other.run(["cluster", "list"])).code, 1);
  assert.deepEqual((await dfctl.json("user", "list", "--state", "disable")).length, 1);
  await dfctl.output("user", "enable", "ada");
  await dfctl.output("user", "revoke", "ada", "root");
  assert.match((await dfctl.run(["user", "revoke", "ada", "root"])).errors, /ada does not have the role root/);
});

Deno.test("a wrong old password is one guess and no more, and who guessed too often is told once when to come back", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  const guess = () => {
    return dfctl.run(["user", "reset-password", "--passwords-stdin"], { input: "difference engine\nnew password\n" });
  };
  const wrong: string[] = [];
  for (let guesses = 0; guesses < 5; guesses++) wrong.push((await guess()).errors);
  assert.deepEqual(wrong.filter((text) => !/the old one is wrong/.test(text)), []);
  assert.match((await guess()).errors, /^dfctl: Too many attempts; try again in \d+ s\n$/);
});

Deno.test("settings are shown and changed, and audits tell who asked", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  assert.match(await dfctl.output("config", "show", "gc"), /^VALUE +\{"audit":/m);
  const wrong = await dfctl.run(["config", "set", "gc", "{}"]);
  assert.match(wrong.errors, /the setting gc has the form/);
  assert.equal((await dfctl.json("config", "set", "motto", "kind")).value, "kind");
  assert.equal((await dfctl.json("config", "set", "motto", "kinder")).value, "kinder");
  assert.deepEqual((await dfctl.json("config", "list")).length, 2);
  const audits = await dfctl.run(["audit", "list", "--operation", "PATCH"]);
  assert.equal(audits.code, 0, audits.errors);
});

Deno.test("warm images are declared, changed, paused, run and removed", async () => {
  await using stage = await Stage.open();
  const dfctl = await stage.signIn();
  const what = ["warm-image", "create", "app", "reg.corp/team/app:v1", "--cluster", "cluster-1"];
  const never = await dfctl.run(what);
  assert.deepEqual([never.code, /one of cron, follow and on_join/.test(never.errors)], [2, true], never.errors);
  const made = await dfctl.json(...what, "--cron", "0 3 * * *", "--description", "nightly");
  const { name, bio, cron, time_zone, follow, on_join, scheduler_cluster_ids } = made;
  assert.deepEqual([name, bio, cron, time_zone, follow, on_join, scheduler_cluster_ids], [
    ...["app", "nightly", "0 3 * * *", "UTC", 0, false, [1]],
  ]);
  const changed = await dfctl.json(
    "warm-image",
    "update",
    "app",
    "--on-join",
    "--time-zone",
    "Asia/Tokyo",
    "--cluster",
    "",
  );
  assert.deepEqual([changed.cron, changed.on_join, changed.time_zone, changed.scheduler_cluster_ids], [
    ...[cron, true, "Asia/Tokyo", []],
  ]);
  assert.match(await dfctl.output("warm-image", "pause", "app"), /^STATE +paused$/m);
  const paused = await dfctl.run(["warm-image", "run", "app"]);
  assert.deepEqual([paused.code, /it is paused/.test(paused.errors)], [1, true], paused.errors);
  assert.match(await dfctl.output("warm-image", "resume", "app"), /^NEXT RUN +2\d\d\d-.*T18:00:00Z$/m);
  await dfctl.output("warm-image", "run", "app");
  assert.equal((await dfctl.output("warm-image", "list")).trimEnd().split("\n").length, 2);
  await dfctl.output("warm-image", "delete", "app");
  assert.deepEqual(await dfctl.json("warm-image", "list"), []);
});

Deno.test("a manager in TLS is trusted by the authority that login names, and no other", async () => {
  const { cert, key, caCert } = testCertificates("a");
  await using stage = await Stage.open({ rest: { tls: { cert, key } } });
  const { dfctl } = stage;
  const url = `https://127.0.0.1:${stage.manager.rest.port}`;
  const login = ["login", url, "--password-stdin"];
  const stranger = await dfctl.run(login, { input: PASSWORD });
  assert.equal(stranger.code, 3);
  assert.match(stranger.errors, /Cannot reach the manager at https.*--ca names the PEM file of its authority/);
  const known = await dfctl.run([...login, "--ca", caCert], { input: PASSWORD });
  assert.equal(known.code, 0, known.errors);
  assert.equal((await dfctl.json("whoami")).user, "root");
  await writeFile(`${dfctl.home}/no.pem`, "nothing");
  assert.match(
    (await dfctl.run([...login, "--ca", `${dfctl.home}/no.pem`], { input: PASSWORD })).errors,
    /no PEM file/,
  );
});

Deno.test("credentials are not sent to where a manager sends its callers", async () => {
  const visitors: string[] = [];
  const open = (handler: (request: Request) => Response) => {
    const listen = { hostname: "127.0.0.1", port: 0 };
    const effects = { clock: realClock(), net: realNet(), onError: (error: unknown) => assert.fail(String(error)) };
    return startHttpServer({ ...effects, listen, handler });
  };
  await using elsewhere = open((request) => {
    visitors.push(request.url);
    return Response.json([]);
  });
  const location = `http://127.0.0.1:${elsewhere.port}/`;
  await using manager = open(() => new Response(null, { status: 307, headers: { location } }));
  await using dfctl = await Dfctl.open();
  const url = `http://127.0.0.1:${manager.port}`;
  const { code, errors } = await dfctl.run(["login", url, "--password-stdin"], { input: PASSWORD });
  assert.deepEqual([code, errors.includes(`sends dfctl on to ${location}`), visitors], [1, true, []], errors);
});

Deno.test("a manager that is not there, one that says nonsense and one that sends elsewhere are told apart", async () => {
  const answers: Response[] = [];
  const asked: { url: string; authorization: string | null }[] = [];
  await using dfctl = await Dfctl.open({
    fetch: (input, init) => {
      asked.push({ url: String(input), authorization: new Headers(init?.headers).get("authorization") });
      const answer = answers.shift();
      return answer === undefined ? Promise.reject(new TypeError("connection refused")) : Promise.resolve(answer);
    },
  });
  const env = { DFCTL_MANAGER: "http://manager:8080", DFCTL_TOKEN: "s3cret" };
  const run = (answer?: Response) => {
    if (answer !== undefined) answers.push(answer);
    return dfctl.run(["job", "list"], { env });
  };
  const gone = await run();
  assert.equal(gone.code, 3);
  assert.match(gone.errors, /Cannot reach the manager at http:\/\/manager:8080: connection refused; is it running\?/);
  assert.match((await run(new Response("<html>"))).errors, /is this the REST address of a manager\?/);
  const registry = await run(new Response("404 page not found\n", { status: 404 }));
  assert.match(
    registry.errors,
    /^dfctl: http:\/\/manager:8080 answers HTTP 404, .*"404 page not found"; is it its REST/,
  );
  assert.match((await run(new Response('{"a":1}'))).errors, /not understood .*another version/);
  const elsewhere = new Response("", { status: 301, headers: { location: "http://evil/" } });
  assert.match((await run(elsewhere)).errors, /sends dfctl on to http:\/\/evil\//);
  const console = new Response("", { status: 301, headers: { location: "/" } });
  assert.match((await run(console)).errors, /does not know this request: it is Dragonfly's, or of another version/);
  assert.match((await run(new Response("", { status: 502 }))).errors, /answers HTTP 502/);
  const steering = new Response('{"message":"\\u001b[2J gone"}', { status: 500 });
  assert.equal((await run(steering)).errors, "dfctl: ?[2J gone\n");
  const endless = new Response("[]", { headers: { link: "</oapi/v1/jobs?page=x>;rel=last" } });
  assert.equal((await run(endless)).code, 0, "a list without rows is at its end, whatever the manager says");
  const page = Response.json(Array.from({ length: 500 }, () => ({})), {
    headers: { link: "</oapi/v1/jobs?page=9>;rel=last" },
  });
  const before = asked.length;
  answers.push(page);
  await dfctl.run(["job", "list", "--limit", "500", "--json"], { env });
  assert.equal(asked.length, before + 1, "what is not wanted is not asked for");
  const busy = new Response('{"message":"rate"}', { status: 429, headers: { "retry-after": "9" } });
  assert.match((await run(busy)).errors, /rate; try again in 9 s/);
  for (const { url, authorization } of asked) {
    assert.ok(url.startsWith("http://manager:8080/oapi/v1/jobs?") && !url.includes("s3cret"), url);
    assert.equal(authorization, "Bearer s3cret");
  }
});
