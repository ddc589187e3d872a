/** What the judges conclude from facts that real components hardly give. */
import assert from "node:assert/strict";
import { judgeCanary } from "./canary.ts";
import type { ControlPlaneFacts } from "./control_plane.ts";
import type { DaemonFacts } from "./daemon.ts";
import type { Outcome } from "./finding.ts";
import { judgeControlPlane } from "./judge_control_plane.ts";
import { judgeAnnounced, judgeDaemon } from "./judge_daemon.ts";
import { judgeRegistries } from "./judge_registries.ts";
import { judgeRuntimes } from "./judge_runtimes.ts";
import type { RegistryFacts } from "./registries.ts";
import type { RuntimeFacts } from "./runtimes.ts";
import { judgeStorage } from "./storage.ts";

const ids = (outcomes: readonly Outcome[]) => outcomes.map(({ id }) => id);

const ANSWER = { status: 200, headers: new Headers(), text: "" };
const DAEMON: DaemonFacts = {
  mirror: { address: "127.0.0.1:4001", answer: { ...ANSWER, headers: new Headers({ server: "damselfly/0.0.1" }) } },
  isAskedInTls: false,
  health: { url: "http://127.0.0.1:4003/healthy", answer: ANSWER },
  metrics: { url: "http://127.0.0.1:4002/metrics", answer: ANSWER },
  socket: { path: "/run/x.sock", state: "serves" },
  host: { ip: "10.0.0.5", isShared: true },
  upload: { address: "10.0.0.5:4000" },
  pieces: { address: "10.0.0.5:4005" },
};

Deno.test("commands name the service that damselfly install makes", () => {
  const silent = { problem: "refused" };
  const facts = {
    ...DAEMON,
    mirror: { ...DAEMON.mirror, answer: silent },
    health: { ...DAEMON.health, answer: silent },
  };
  const [mirror] = judgeDaemon(facts);
  assert.match(mirror?.mend ?? "", /^systemctl start damselfly-dfdaemon, .*journalctl -u damselfly-dfdaemon$/);
  const outcomes = [
    ...judgeDaemon(DAEMON),
    ...judgeStorage({ ...STORAGE, space: undefined, write: "not tried" }),
    ...judgeControlPlane({ ...PLANE, schedulers: [{ address: "10.0.0.2:8002", knowsHost: false }] }),
  ];
  const commands = outcomes.flatMap(({ mend = "" }) => /systemctl \w+ [\w-]+/.exec(mend)?.[0] ?? []);
  assert.deepEqual(commands, ["restart", "start", "restart"].map((verb) => `systemctl ${verb} damselfly-dfdaemon`));
});

Deno.test("a dfdaemon of another version is told, and one that only root may ask", () => {
  const facts = { ...DAEMON, socket: { path: "/run/x.sock", state: "is denied" } } as const;
  assert.deepEqual(ids(judgeDaemon(facts)), [
    "doctor.mirror.other_version",
    "doctor.daemon",
    "doctor.daemon.socket_denied",
    "doctor.peers",
  ]);
});

Deno.test("a dfdaemon whose health nobody tells still has a mirror that is judged", () => {
  const facts = { ...DAEMON, health: { ...DAEMON.health, answer: { problem: "refused" } } };
  assert.ok(ids(judgeDaemon(facts)).includes("doctor.daemon.health_unreachable"));
});

Deno.test("a host that gives nothing to others needs no piece server", () => {
  const facts = { ...DAEMON, pieces: { address: "10.0.0.5:4005", problem: "refused" } };
  assert.ok(ids(judgeDaemon(facts)).includes("doctor.peers.pieces_unreachable"));
  const alone = judgeDaemon({ ...facts, host: { ...facts.host, isShared: false } });
  assert.ok(!ids(alone).includes("doctor.peers.pieces_unreachable"));
});

Deno.test("a loopback address is no address among hosts, and is one where all of the cluster is on this machine", () => {
  assert.deepEqual(ids(judgeAnnounced("127.0.0.1", ["10.0.0.1"])), ["doctor.peers.loopback"]);
  assert.deepEqual(judgeAnnounced("127.0.0.1", ["127.0.0.2"]), []);
  assert.deepEqual(judgeAnnounced("10.0.0.5", ["10.0.0.1"]), []);
});

const STORAGE = { dir: "/var/lib/dragonfly", write: "possible", quotaBytes: 0 } as const;

Deno.test("a volume on which little is left is told before it is full", () => {
  const withFree = (freeBytes: number) => judgeStorage({ ...STORAGE, space: { totalBytes: 1e12, freeBytes } });
  assert.deepEqual(ids(withFree(400e6)), ["doctor.disk.full"]);
  assert.deepEqual(ids(withFree(1e9)), ["doctor.disk.low"]);
  assert.deepEqual(ids(withFree(100e9)), ["doctor.disk"]);
});

Deno.test("a directory that may not be looked at is no fault of the node", () => {
  assert.deepEqual(ids(judgeStorage({ ...STORAGE, space: undefined, write: "denied" })), ["doctor.disk.denied"]);
});

const REGISTRY = { namespace: "reg.corp", url: new URL("https://reg.corp"), isNamed: true, wallMs: 0 };
const judgeOne = (facts: RegistryFacts) => ids(judgeRegistries({ registries: [facts] }));

Deno.test("a registry in trouble is told, and what is no registry only where somebody named it", () => {
  const answer = { status: 503, isRegistry: true, beginning: "" };
  assert.deepEqual(judgeOne({ ...REGISTRY, answer }), ["doctor.registry.error"]);
  assert.deepEqual(judgeOne({ ...REGISTRY, answer: { ...answer, status: 429 } }), ["doctor.registry.error"]);
  const page = { status: 404, isRegistry: false, beginning: "<html>" };
  assert.deepEqual(judgeOne({ ...REGISTRY, answer: page }), ["doctor.registry.not_a_registry"]);
  assert.deepEqual(judgeOne({ ...REGISTRY, isNamed: false, answer: page }), ["doctor.registry"]);
});

Deno.test("a registry that is only the default may be out of reach, for nobody may need it", () => {
  const answer = { reason: "name", mend: "m", problem: "p" };
  assert.deepEqual(judgeOne({ ...REGISTRY, isNamed: false, answer }), ["doctor.registry.default_unreachable"]);
});

const PLANE: ControlPlaneFacts = {
  manager: { kind: "answers", address: "10.0.0.1:65003" },
  cluster: { id: 1, name: "east", why: "The IP address is in 10.0.0.0/8 of east", isByScope: true, better: [] },
  schedulers: [{ address: "10.0.0.2:8002", knowsHost: true }, { address: "10.0.0.3:8002", knowsHost: true }],
  seedPeers: [{ address: "10.0.0.4:4000" }],
  isSeed: false,
};

Deno.test("a cluster is told with the scope that this host fits", () => {
  const [, cluster] = judgeControlPlane(PLANE);
  assert.deepEqual([cluster?.id, cluster?.level], ["doctor.cluster", "ok"]);
  assert.match(cluster?.what ?? "", /10\.0\.0\.0\/8/);
  const byDefault = { id: 1, name: "east", why: "it is the default", isByScope: false, better: [] };
  assert.ok(ids(judgeControlPlane({ ...PLANE, cluster: byDefault })).includes("doctor.cluster.by_default"));
  const [, second] = judgeControlPlane({ ...PLANE, cluster: { ...byDefault, better: ["near"] } });
  assert.equal(second?.id, "doctor.cluster.second_best");
  assert.match(second?.what ?? "", /no scheduler of near, which fits better/);
});

Deno.test("one scheduler of several may be down, and all of them may not", () => {
  const [first, second] = PLANE.schedulers.map((scheduler) => ({ ...scheduler, problem: "refused" }));
  assert.ok(first !== undefined && second !== undefined);
  const some = judgeControlPlane({ ...PLANE, schedulers: [first, { address: "10.0.0.3:8002", knowsHost: true }] });
  assert.ok(ids(some).includes("doctor.schedulers.some_unhealthy"));
  assert.ok(ids(judgeControlPlane({ ...PLANE, schedulers: [first, second] })).includes("doctor.schedulers.unhealthy"));
});

Deno.test("a scheduler to which this host is not announced is told, and one that did not say is not", () => {
  const withAnswer = (answer: { readonly knowsHost?: boolean }) =>
    ids(judgeControlPlane({ ...PLANE, schedulers: [{ address: "10.0.0.2:8002", ...answer }] }));
  assert.ok(withAnswer({ knowsHost: false }).includes("doctor.schedulers.host_unknown"));
  assert.ok(withAnswer({ knowsHost: true }).includes("doctor.schedulers"));
  assert.ok(withAnswer({}).includes("doctor.schedulers"));
});

Deno.test("where the manager does not answer nothing is said of those whom it would name", () => {
  const manager = { kind: "unreachable", address: "10.0.0.1:65003", problem: "refused" } as const;
  const facts = { ...PLANE, manager, cluster: undefined, schedulers: [], seedPeers: undefined };
  assert.deepEqual(ids(judgeControlPlane(facts)), ["doctor.manager.unreachable"]);
});

Deno.test("a seed peer that is out of reach is told, and a seed peer needs no other one", () => {
  const seedPeers = [{ address: "10.0.0.4:4000", problem: "refused" }];
  assert.ok(ids(judgeControlPlane({ ...PLANE, seedPeers })).includes("doctor.seed_peers.unreachable"));
  assert.ok(!ids(judgeControlPlane({ ...PLANE, seedPeers: [], isSeed: true })).includes("doctor.seed_peers.none"));
});

Deno.test("without a manager the file that names the schedulers is told", () => {
  const facts = { ...PLANE, manager: { kind: "none", path: "/etc/d.yaml" }, cluster: undefined } as const;
  const [first] = judgeControlPlane(facts);
  assert.deepEqual([first?.id, first?.level], ["doctor.manager.none", "info"]);
  assert.match(first?.what ?? "", /\/etc\/d\.yaml/);
});

const RUNTIME: RuntimeFacts = {
  ...{ name: "containerd", service: "containerd", mirror: "http://127.0.0.1:4001", state: "configured" },
  ...{ changes: [], refusals: [], warnings: [], bypassed: [], restart: "not owed" },
  routes: [{ registry: "reg.corp", path: "hosts.toml", hosts: ["http://localhost:4001", "https://other"] }],
};
const CONTEXT = {
  mirror: { ip: "127.0.0.1", port: 4001 },
  named: new Set(["reg.corp"]),
  dfinitPath: "/etc/dragonfly/dfinit.yaml",
  root: "/",
};

Deno.test("a runtime may call the peer by any name of loopback, and dfdaemon may listen everywhere", () => {
  assert.deepEqual(ids(judgeRuntimes([RUNTIME], CONTEXT)), ["doctor.runtime"]);
  const everywhere = { ...CONTEXT, mirror: { ip: "0.0.0.0", port: 4001 } };
  assert.deepEqual(ids(judgeRuntimes([RUNTIME], everywhere)), ["doctor.runtime"]);
  const elsewhere = { ...CONTEXT, mirror: { ip: "127.0.0.2", port: 4001 } };
  assert.deepEqual(ids(judgeRuntimes([RUNTIME], elsewhere)), ["doctor.runtime.wrong_address"]);
});

Deno.test("the command that mends a runtime is whole: what is not usual stands in it", () => {
  const runtime = { ...RUNTIME, state: "drifted" } as const;
  const mendOf = (context: Partial<typeof CONTEXT>) => judgeRuntimes([runtime], { ...CONTEXT, ...context })[0]?.mend;
  assert.equal(mendOf({}), "damselfly dfinit");
  assert.equal(mendOf({ dfinitPath: "/d.yaml", root: "/host" }), "damselfly dfinit --config /d.yaml --root /host");
});

Deno.test("passwords in the URLs of other mirrors are not printed", () => {
  const hosts = ["https://user:hunter2@other", "http://127.0.0.1:4001"];
  const [said] = judgeRuntimes([{ ...RUNTIME, routes: [{ registry: "reg.corp", path: "p", hosts }] }], CONTEXT);
  assert.equal(said?.id, "doctor.runtime.other_mirror_first");
  assert.doesNotMatch(JSON.stringify(said), /hunter2/);
});

Deno.test("a registry that nobody named and that goes around the peer is to be looked at, a named one is broken", () => {
  const routes = [{ registry: "quay.io", path: "p", hosts: [] }];
  assert.deepEqual(ids(judgeRuntimes([{ ...RUNTIME, routes }], CONTEXT)), [
    "doctor.runtime",
    "doctor.runtime.not_listed",
  ]);
  const named = { ...CONTEXT, named: new Set(["quay.io"]) };
  assert.deepEqual(ids(judgeRuntimes([{ ...RUNTIME, routes }], named)), ["doctor.runtime.bypassed"]);
});

Deno.test("a peer's table without the registry's authority keeps pulls with a token away, and another host's does not", () => {
  const [route] = RUNTIME.routes;
  assert.ok(route !== undefined);
  const judged = (lackingTls: readonly string[]) =>
    judgeRuntimes([{ ...RUNTIME, routes: [{ ...route, lackingTls }] }], CONTEXT);
  assert.deepEqual(ids(judged(["http://localhost:4001"])), ["doctor.runtime", "doctor.runtime.login_past_peer"]);
  assert.match(judged(["http://localhost:4001"])[1]?.mend ?? "", /hosts\.toml, or list reg\.corp .*damselfly dfinit$/);
  assert.deepEqual(ids(judged(["https://other"])), ["doctor.runtime"]);
});

Deno.test("that Docker asks mirrors for Docker Hub alone is no fault of the node", () => {
  const bypassed = [{ registry: "registries other than docker.io", reason: "r", todo: "t" }];
  const docker = { ...RUNTIME, name: "docker", bypassed, routes: [] };
  assert.deepEqual(ids(judgeRuntimes([docker], CONTEXT)), ["doctor.runtime", "doctor.runtime.docker_hub_only"]);
});

Deno.test("of runtimes that nobody told dfinit of, one that is used is enough", () => {
  const unused = { ...RUNTIME, name: "podman", routes: [] };
  const found = { ...CONTEXT, dfinitPath: undefined };
  assert.deepEqual(ids(judgeRuntimes([RUNTIME, unused], found)), ["doctor.runtime", "doctor.runtime.not_used"]);
  assert.deepEqual(ids(judgeRuntimes([unused], found)), ["doctor.runtime.not_configured"]);
  assert.deepEqual(ids(judgeRuntimes([], found)), ["doctor.runtime.none"]);
  const elsewhere = { ...found, mirror: { ip: "127.0.0.2", port: 4001 } };
  assert.deepEqual(ids(judgeRuntimes([RUNTIME], elsewhere)), ["doctor.runtime"], "nobody said where it is to ask");
});

Deno.test("a pull that nobody can do is not blamed on the mirror", () => {
  const canary = { image: "alpine", registry: "https://reg.corp", traffic: undefined };
  const failed = (isThereDirectly: boolean) =>
    ids(judgeCanary({ ...canary, pull: { kind: "failed", problem: "p", isThereDirectly } }));
  assert.deepEqual([failed(false), failed(true)], [["doctor.canary.failed"], ["doctor.canary.fell_back"]]);
});
