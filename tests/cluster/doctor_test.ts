/** Set-ups that are broken, each in its own way: the doctor names what is wrong, and what mends it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/doctor/doctor.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { wrappedDisk } from "../../src/runtime/wrapped_disk.ts";
import {
  type Case,
  CONTROL_CASES,
  K3S_CASES,
  NOBODY,
  NODE_CASES,
  REGISTRY_CASES,
  RUNTIME_CASES,
  tlsRegistry,
  upstream,
} from "./broken_setups.ts";
import { runMain } from "./mains.ts";
import { type Diagnosis, Patient } from "./patient.ts";
import { REPOSITORY, Stage } from "./stage.ts";

const disk = realDisk(realRandom());

async function openStage(stack: AsyncDisposableStack, options = {}): Promise<Stage> {
  return stack.use(await Stage.open({ nodes: ["seed", "peer-1"], ...options }));
}

/** A node of a stage on which all is well. */
async function openPatient(stack: AsyncDisposableStack, stage: Stage, name = "peer-1"): Promise<Patient> {
  const root = mkdtempSync(join(tmpdir(), "damselfly-node-"));
  stack.defer(() => rmSync(root, { recursive: true }));
  const patient = new Patient(root, stage.node(name), stage);
  await patient.prepare();
  return patient;
}

function assertNamed({ outcomes, code }: Diagnosis, { id, mend }: Pick<Case, "id" | "mend">): void {
  const said = outcomes.find((outcome) => outcome.id === id);
  assert.ok(said, `${id} is not among ${JSON.stringify(outcomes, null, 1)}`);
  assert.match(said.mend ?? "", mend);
  assert.equal(code, outcomes.some(({ level }) => level === "fail") ? EXIT.failed : EXIT.warnings);
}

for (
  const [what, cases] of Object.entries({
    "of the runtimes' files": RUNTIME_CASES,
    "of k3s and RKE2": K3S_CASES,
    "of dfdaemon and its host": NODE_CASES,
    "of the registries": REGISTRY_CASES,
    "of the control plane": CONTROL_CASES,
  })
) {
  Deno.test(`broken set-ups ${what}: the doctor names each, with what mends it`, async (t) => {
    await using stack = new AsyncDisposableStack();
    const stage = await openStage(stack);
    for (const one of cases) {
      await t.step(one.name, async () => {
        await using own = new AsyncDisposableStack();
        const patient = await openPatient(own, stage);
        const { args, effects } = await one.breaks(patient, own) ?? {};
        assertNamed(await patient.examine(args, effects), one);
      });
    }
  });
}

Deno.test("of a node on which all is well the doctor says so, and where the bytes of a pull came from", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack);
  const patient = await openPatient(stack, stage);
  const image = `${stage.registry.namespace}/${REPOSITORY}:v1`;
  const first = await patient.examine(["--image", image]);
  assert.deepEqual(first.ids("fail", "warn"), []);
  assert.equal(first.code, EXIT.done);
  const canary = first.outcomes.find(({ id }) => id === "doctor.canary");
  assert.match(canary?.what ?? "", /^pulled in .*: 0 from this host's disk, (?!0 from parents, 0 from)/);
  const second = await patient.examine(["--image", image]);
  const again = second.outcomes.find(({ id }) => id === "doctor.canary");
  assert.match(again?.what ?? "", /7\.0 MiB from this host's disk, 0 from parents, 0 from the registry$/);
});

Deno.test("the program looks at all of it with the permissions that it has", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack);
  const patient = await openPatient(stack, stage);
  const image = `${stage.registry.namespace}/${REPOSITORY}:v1`;
  const { code, stdout, stderr } = await runMain("doctor", ...patient.paths, "--image", image);
  assert.equal(stderr, "");
  assert.match(stdout, /^ok +canary .* from parents/m);
  assert.match(stdout, /\n\nAll is well\.\n$/);
  assert.equal(code, EXIT.done);
});

Deno.test("a dfdaemon that does not run is one finding, and the pull is said to go to the registry itself", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack);
  const patient = await openPatient(stack, stage);
  await patient.node.stop();
  const { outcomes, code } = await patient.examine(["--image", `${stage.registry.namespace}/${REPOSITORY}:v1`]);
  const bad = outcomes.filter(({ level }) => level === "fail" || level === "warn").map(({ id }) => id);
  assert.deepEqual(bad, ["doctor.mirror.unreachable", "doctor.schedulers.host_unknown", "doctor.canary.fell_back"]);
  assert.equal(code, EXIT.failed);
});

Deno.test("an image that only passes through the mirror of a dfdaemon is no pull through the swarm", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack);
  await stage.start("peer-2", { settings: { "proxy.rules": [] } });
  const patient = await openPatient(stack, stage, "peer-2");
  const { outcomes } = await patient.examine(["--image", `${stage.registry.namespace}/${REPOSITORY}:v1`]);
  const said = outcomes.find(({ id }) => id === "doctor.canary.past_swarm");
  assert.match(said?.mend ?? "", /proxy\.rules/);
});

Deno.test("what went past the swarm since dfdaemon started is counted, with the reason and its mend", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack);
  const patient = await openPatient(stack, stage);
  const gone = `${stage.ip}:${NOBODY}`;
  const url = `${patient.node.mirror}/v2/team/app/manifests/v1?ns=http://${gone}`;
  await (await fetch(url)).body?.cancel();
  const { outcomes, code } = await patient.examine();
  const said = outcomes.find(({ id }) => id === "doctor.fallback.counted");
  assert.equal(said?.subject, gone);
  assert.match(`${said?.what} ${said?.mend}`, /1 requests .*unreachable.*proxy\.registryMirror\.upstreams/);
  assert.equal(code, EXIT.warnings);
});

Deno.test("a registry that only the runtime trusts is told with the file by which it does", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack);
  const patient = await openPatient(stack, stage);
  const { namespace, url } = await tlsRegistry(stack);
  await patient.configureDfdaemon(upstream(namespace, url));
  const folder = `/etc/docker/certs.d/${namespace}`;
  const withAuthority = wrappedDisk(disk, {
    stat: async (path) => path === folder ? await disk.stat("/") : await disk.stat(path),
    list: async (path) => path === folder ? ["ca.crt"] : await disk.list(path),
    readText: async (path) => await disk.readText(path === `${folder}/ca.crt` ? testCertificates("a").caCert : path),
  });
  const { outcomes } = await patient.examine([], { disk: withAuthority });
  const said = outcomes.find(({ id }) => id === "doctor.registry.certificate");
  assert.match(said?.mend ?? "", new RegExp(`ca: ${folder}/ca\\.crt`));
});

Deno.test("a cluster without a seed peer works, and costs the registry more", async () => {
  await using stack = new AsyncDisposableStack();
  const stage = await openStage(stack, { nodes: ["peer-1"] });
  const diagnosis = await (await openPatient(stack, stage)).examine();
  assertNamed(diagnosis, { id: "doctor.seed_peers.none", mend: /seedPeer\.enable: true/ });
  assert.equal(diagnosis.code, EXIT.warnings);
});

Deno.test("an image that wants a login is no fault, and neither is its registry", async () => {
  await using stack = new AsyncDisposableStack();
  const login = { kind: "basic", account: { username: "user", password: "secret" } } as const;
  const stage = await openStage(stack, { registry: { login } });
  const patient = await openPatient(stack, stage);
  const { ids, code } = await patient.examine(["--image", `${stage.registry.namespace}/${REPOSITORY}:v1`]);
  assert.deepEqual(ids("fail", "warn"), []);
  assert.ok(ids("info").includes("doctor.registry.login"));
  assert.ok(ids("info").includes("doctor.canary.login"));
  assert.equal(code, EXIT.done);
});
