import assert from "node:assert/strict";
import type { Scheduler, SchedulerCluster } from "../rpc/gen/manager/v2/manager.ts";
import { explainCluster } from "./cluster.ts";

const NOTHING = new Uint8Array();
const HOST = { ip: "10.1.2.3", hostname: "edge-7", isSeed: false };

function cluster(id: number, name: string, scopes: unknown): SchedulerCluster {
  const text = typeof scopes === "string" ? scopes : JSON.stringify(scopes);
  const settings = { config: NOTHING, clientConfig: NOTHING, seedClientConfig: NOTHING };
  return { id, name, bio: "", ...settings, scopes: new TextEncoder().encode(text) } as SchedulerCluster;
}

function schedulerOf(schedulerCluster: SchedulerCluster): Scheduler {
  return { schedulerCluster, schedulerClusterId: schedulerCluster.id } as Scheduler;
}

/** Why the host is in a cluster with these scopes. */
function why(scopes: unknown, host: Parameters<typeof explainCluster>[2] = {}) {
  const own = cluster(1, "east", scopes);
  return explainCluster(own, [schedulerOf(own)], host, HOST);
}

Deno.test("the scope that brought a host into its cluster is told", () => {
  assert.match(why({ cidrs: ["10.1.0.0/16"] }).why, /^The IP address is in 10\.1\.0\.0\/16 of east/);
  assert.match(why({ hostnames: ["^edge-"] }).why, /^The host name fits \^edge- of east/);
  assert.match(why({ idc: "dc-1|dc-2" }, { idc: "dc-2" }).why, /^The IDC is one of east/);
  assert.match(why({ location: "eu|berlin|a" }, { location: "eu|berlin|b" }).why, /^east agrees in 2 elements/);
  const scopes = [{ cidrs: ["10.1.0.0/16"] }, { hostnames: ["^edge-"] }, { idc: "dc-2" }, { location: "eu" }];
  for (const one of scopes) assert.equal(why(one, { idc: "dc-2", location: "eu|berlin" }).isByScope, true);
});

Deno.test("a host that no scope fits is in the default cluster, also where scopes cannot be read", () => {
  for (const scopes of [{}, { cidrs: ["10.9.0.0/16"] }, "no JSON", { cidrs: [1, "bad"] }]) {
    const { why: reason, isByScope } = why(scopes);
    assert.match(reason, /^No cluster .* fits the host, and east is the default one or the first$/);
    assert.equal(isByScope, false);
  }
});

Deno.test("a cluster that the configuration names needs no scope", () => {
  const found = why({ cidrs: ["10.9.0.0/16"] }, { schedulerClusterID: 1 });
  assert.deepEqual([found.why, found.isByScope], ["host.schedulerClusterID is 1", true]);
});

Deno.test("clusters that fit better and do not serve are told", () => {
  const [best, own, worse] = [cluster(3, "near", {}), cluster(1, "east", {}), cluster(2, "far", {})];
  const listed = [best, best, own, worse].map(schedulerOf);
  assert.deepEqual(explainCluster(own, listed, {}, HOST).better, ["near"]);
  assert.deepEqual(explainCluster(best, listed, {}, HOST).better, []);
});
