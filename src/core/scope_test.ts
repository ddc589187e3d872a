import assert from "node:assert/strict";
import fc from "fast-check";
import { DamselflyError } from "./error.ts";
import { type HostPlace, isSameFit, parseScope, rankClusters, type ScopeInput } from "./scope.ts";

const host = (place: Partial<HostPlace> = {}): HostPlace => ({
  ip: "10.1.2.3",
  hostname: "node-7",
  idc: "",
  location: "",
  ...place,
});

const cluster = (name: string, scopes: ScopeInput, isDefault = false) => ({
  name,
  scope: parseScope(scopes),
  isDefault,
});

function best(clusters: ReturnType<typeof cluster>[], place: HostPlace): string {
  return rankClusters(clusters, place)[0]?.cluster.name ?? "";
}

const byCidr = cluster("cidr", { cidrs: ["10.1.0.0/16"] });
const byName = cluster("name", { hostnames: ["^node-"] });
const byIdc = cluster("idc", { idc: "fra|ams" });
const byLocation = cluster("location", { location: "eu|de|hesse" });
const byDefault = cluster("default", {}, true);

Deno.test("a CIDR or a host name beats IDC, location and default together", () => {
  const rich = cluster("rich", { idc: "fra", location: "eu|de" }, true);
  const place = host({ idc: "fra", location: "eu|de" });
  assert.equal(best([rich, byCidr], place), "cidr");
  assert.equal(best([rich, byName], place), "name");
});

Deno.test("a CIDR and a host name rank the same: the first cluster stays first", () => {
  assert.equal(best([byName, byCidr], host()), "name");
  assert.equal(best([byCidr, byName], host()), "cidr");
});

Deno.test("the IDC beats the location, and is one of the elements, whatever its case", () => {
  assert.equal(best([byDefault, byLocation, byIdc], host({ idc: "AMS", location: "eu|de|hesse" })), "idc");
});

Deno.test("a list of IDCs fits a host that says the same list, and no host that says another one", () => {
  const place = (idc: string) => host({ ip: "192.0.2.1", hostname: "x", idc });
  assert.equal(best([byDefault, byIdc], place("Fra | ams")), "idc");
  for (const other of ["ams|fra", "fra|ams|lon", "|fra|lon"]) {
    assert.equal(best([byDefault, byIdc], place(other)), "default");
  }
});

Deno.test("clusters fit the same if only the default tells them apart", () => {
  const fit = [1, 1, 2, 0] as const;
  assert.ok(isSameFit(fit, [1, 1, 2, 1]));
  for (const other of [[0, 1, 2, 0], [1, 0, 2, 0], [1, 1, 3, 0]] as const) assert.ok(!isSameFit(fit, other));
});

Deno.test("more leading location elements beat fewer, and any beats the default", () => {
  const wide = cluster("wide", { location: "eu" });
  assert.equal(best([byDefault, wide, byLocation], host({ location: "EU|DE|hesse|frankfurt" })), "location");
  assert.equal(best([byDefault, wide], host({ location: "eu|fr" })), "wide");
});

Deno.test("where nothing matches the default cluster is first", () => {
  assert.equal(
    best([byCidr, byName, byIdc, byLocation, byDefault], host({ ip: "192.0.2.1", hostname: "x" })),
    "default",
  );
});

Deno.test("an empty IDC or location of the host matches nothing", () => {
  const empty = cluster("empty", { idc: "", location: "" });
  for (const idc of ["", " ", "|"]) {
    const elsewhere = cluster("elsewhere", { idc: "lon" }, true);
    assert.equal(best([empty, elsewhere], host({ ip: "192.0.2.1", idc })), "elsewhere");
  }
});

Deno.test("an IPv4-mapped address is matched by an IPv4 block, and families do not mix", () => {
  assert.equal(best([byDefault, byCidr], host({ ip: "::ffff:10.1.9.9", hostname: "x" })), "cidr");
  assert.equal(best([byDefault, cluster("v6", { cidrs: ["2001:db8::/32"] })], host({ ip: "2001:db8::1" })), "v6");
  assert.equal(best([byDefault, cluster("v6", { cidrs: ["::/0"] })], host()), "default");
});

Deno.test("parseScope() refuses a bad entry and names it", () => {
  for (
    const bad of [{ cidrs: ["10.0.0.0/33"] }, { cidrs: ["ten"] }, { cidrs: ["10.0.0.0/8/1"] }, { hostnames: ["("] }]
  ) {
    assert.throws(() => parseScope(bad), (error: unknown) => {
      const text = (bad.cidrs ?? bad.hostnames ?? [])[0] ?? "";
      return error instanceof DamselflyError && error.code === "invalid_argument" && error.message.includes(text);
    });
  }
});

Deno.test("ranking keeps every cluster, and equals keep their order", () => {
  const scopes = fc.record({ idc: fc.constantFrom("", "a", "b"), location: fc.constantFrom("", "x", "x|y") });
  fc.assert(fc.property(fc.array(scopes, { maxLength: 8 }), (inputs) => {
    const clusters = inputs.map((input, index) => cluster(String(index), input));
    const place = host({ idc: "a", location: "x|y" });
    const ranked = rankClusters(clusters, place).map(({ cluster }) => cluster);
    assert.deepEqual(ranked.map(({ name }) => name).sort(), clusters.map(({ name }) => name).sort());
    assert.deepEqual(rankClusters(ranked, place).map(({ cluster }) => cluster), ranked);
  }));
});
