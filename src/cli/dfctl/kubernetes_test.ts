import assert from "node:assert/strict";
import { DfdaemonConfig } from "../../config/dfdaemon.ts";
import { parseConfig } from "../../config/load.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { runDfctl } from "./dfctl.ts";
import { withPlace } from "./kubernetes.ts";

const LABELS = { "topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1" };
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const MINUTE_MS = 60_000;

const hostOf = (text: string) => parseConfig(DfdaemonConfig, text, "dfdaemon.yaml").config.host;

/** Runs dfctl in a pod whose API server answers as `answer` does in each second. */
async function inPod(args: readonly string[], answer: (seconds: number) => Response | Promise<Response>) {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  for (const folder of [ACCOUNT, "/etc", "/run"]) await disk.mkdirAll(folder);
  await disk.writeTextAtomic(`${ACCOUNT}/ca.crt`, await Deno.readTextFile(testCertificates("a").caCert));
  await disk.writeTextAtomic(`${ACCOUNT}/token`, "secret-token\n");
  await disk.writeTextAtomic("/etc/dfdaemon.yaml", "host:\n  hostname: n\n");
  const asked: { url: string; token: string | null }[] = [];
  let [output, errors] = ["", ""];
  const runtime = testRuntime({
    clock,
    disk,
    fetch: (input, init) => {
      asked.push({ url: String(input), token: new Headers(init?.headers).get("authorization") });
      const aborted = new Promise<never>((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
      return Promise.race([aborted, Promise.try(() => answer(Math.floor(clock.now() / 1000)))]);
    },
  });
  const terminal = {
    isTty: false,
    print: (text: string) => void (output += text),
    printError: (text: string) => void (errors += text),
  };
  const input = { isTty: false, readHiddenLine: () => Promise.resolve(""), readAll: () => Promise.resolve("") };
  const ended = runDfctl(["kubernetes", ...args], { runtime, terminal, input }, new AbortController().signal);
  await clock.advance(10 * MINUTE_MS);
  return { code: await ended, output, errors, asked, disk };
}

const PLACE = ["place", "--node", "n1", "--config", "/etc/dfdaemon.yaml", "--output", "/run/dfdaemon.yaml"];
const WAIT = ["wait", "restore", "--namespace", "images", "--timeout", "1m"];

function daemonSet(ready: number, wanted: number, observedGeneration = 1): Response {
  const status = { observedGeneration, desiredNumberScheduled: wanted, numberReady: ready };
  return Response.json({ metadata: { generation: 1 }, status });
}

Deno.test("the region and zone of a node become its place, and what somebody wrote stays", () => {
  assert.deepEqual([hostOf(withPlace("", LABELS)).idc, hostOf(withPlace("", LABELS)).location], ["eu-1", "eu|eu-1"]);
  const own = hostOf(withPlace("# mine\nhost:\n  idc: dc\n  location: ''\n", LABELS));
  assert.deepEqual([own.idc, own.location], ["dc", "eu|eu-1"]);
  assert.match(withPlace("# mine\nhost:\n  idc: dc\n", LABELS), /^# mine/);
});

Deno.test("a node without a zone has a region, and one without labels keeps its file as it is", () => {
  const { idc, location } = hostOf(withPlace("", { "topology.kubernetes.io/region": "eu" }));
  assert.deepEqual([idc, location], [undefined, "eu"]);
  const text = "host:   {idc: x}\n";
  assert.equal(withPlace(text, {}), text);
});

Deno.test("the place of a node is asked of the API server with the pod's token", async () => {
  const { code, asked, disk } = await inPod(PLACE, () => Response.json({ metadata: { labels: LABELS } }));
  assert.equal(code, 0);
  assert.deepEqual(asked, [{ url: "https://kubernetes.default.svc/api/v1/nodes/n1", token: "Bearer secret-token" }]);
  const { hostname, idc } = hostOf(await disk.readText("/run/dfdaemon.yaml"));
  assert.deepEqual([hostname, idc], ["n", "eu-1"]);
});

Deno.test("a peer starts without its place where the API server refuses or is silent, and that is said", async () => {
  const silent = new Promise<Response>(() => {});
  for (const answer of [() => new Response(null, { status: 403 }), () => silent, () => Response.json({})]) {
    const { code, errors, disk } = await inPod(PLACE, answer);
    assert.equal(code, 0);
    assert.match(errors, /^warning: the place of node n1 is unknown: /);
    assert.equal(await disk.readText("/run/dfdaemon.yaml"), "host:\n  hostname: n\n");
    assert.ok(!errors.includes("secret-token"));
  }
});

Deno.test("wait ends when each node has a ready pod, and not for a count of before the last change", async () => {
  const { code, output, asked } = await inPod(WAIT, (seconds) => {
    return seconds < 3 ? daemonSet(2, 2, 0) : daemonSet(Math.min(seconds, 5), 5);
  });
  assert.deepEqual([code, output], [0, "DaemonSet restore: 5 of 5 nodes are ready\n"]);
  assert.equal(asked.length, 6);
  assert.equal(asked[0]?.url, "https://kubernetes.default.svc/apis/apps/v1/namespaces/images/daemonsets/restore");
});

Deno.test("wait says how far it is when its time is over", async () => {
  const { code, errors } = await inPod(WAIT, () => daemonSet(1, 2));
  assert.equal(code, 7);
  assert.equal(errors, "dfctl: DaemonSet restore: 1 of 2 nodes are ready after 60 s\n");
});
