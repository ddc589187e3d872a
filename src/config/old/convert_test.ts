import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import fc from "fast-check";
import type * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { isTable } from "../clean.ts";
import { DfdaemonConfig } from "../dfdaemon.ts";
import { fileMetaOf, parseConfig } from "../load.ts";
import { ManagerConfig } from "../manager.ts";
import { PeerDynconfig } from "../peer_dynconfig.ts";
import { SchedulerConfig } from "../scheduler.ts";
import { convert, fatesOf, oldFormOf } from "./convert.ts";
import { readOldFile } from "./old_file.ts";
import { goDuration, oldPort, oldSize, type Table } from "./old_form.ts";
import { conversionText } from "./old_text.ts";

const FOLDER = new URL("../testdata/old/", import.meta.url);
const SCHEMAS: Readonly<Record<string, z.ZodObject>> = {
  dfdaemon: DfdaemonConfig,
  scheduler: SchedulerConfig,
  manager: ManagerConfig,
};

const names = (await readdir(FOLDER)).sort();
const texts = new Map(
  await Promise.all(names.map(async (name) => {
    return [name, await readFile(new URL(name, FOLDER), "utf8")] as const;
  })),
);

function schemaOf(name: string): z.ZodObject {
  const component = /^(manager|scheduler|supernode)/.exec(name)?.[1] ?? "dfdaemon";
  return SCHEMAS[component === "supernode" ? "scheduler" : component] ?? DfdaemonConfig;
}

function formOf(file: Table, schema: z.ZodObject) {
  return oldFormOf(file, schema, fileMetaOf(schema).component);
}

/** The converted text of a file, and what it was made of. */
function converted(file: Table, schema: z.ZodObject, name = "old.yaml") {
  const form = formOf(file, schema);
  assert.ok(form !== undefined, `${name} is not recognised`);
  const conversion = convert(file, form, schema);
  return { conversion, form, text: conversionText(conversion, name) };
}

function refusalOf(text: string, schema: z.ZodObject, name: string): string {
  try {
    parseConfig(schema, text, name);
  } catch (error) {
    if (error instanceof DamselflyError && error.code === "invalid_argument") return error.message;
    throw error;
  }
  return "";
}

for (const name of names) {
  const [text = "", schema] = [texts.get(name), schemaOf(name)];

  Deno.test(`${name}: the start is refused with what each key becomes`, async (t) => {
    const message = refusalOf(text, schema, name);
    assert.match(message, /^Cannot use .*: it has the form of .*To convert it: damselfly config convert \S+$/m);
    await t.assertSnapshot(message);
  });

  Deno.test(`${name}: what is converted loads, and says what is to be decided`, async (t) => {
    const { text: result } = converted(readOldFile(text, name), schema, name);
    parseConfig(schema, result, "new.yaml");
    await t.assertSnapshot(result);
  });
}

Deno.test("schedulers are named in a dynconfig file that loads as it stands in the comment", () => {
  const name = "dfget_with_static_schedulers.yaml";
  const { text } = converted(readOldFile(texts.get(name) ?? "", name), DfdaemonConfig);
  const [block = ""] = /^# {3}scheduler:\n(?:# {3,}.*\n)+/m.exec(text) ?? [];
  const { config } = parseConfig(PeerDynconfig, block.replaceAll(/^# {3}/gm, ""), "dynconfig.yaml");
  assert.deepEqual(config.scheduler.addrs.map(({ hostname, port }) => `${hostname}:${port}`), [
    "10.0.0.1:8002",
    "10.0.0.2:8002",
  ]);
});

Deno.test("whatever part of an old file there is: the result loads, and no key with a value is passed over", () => {
  for (const name of names) {
    const [file, schema] = [readOldFile(texts.get(name) ?? "", name), schemaOf(name)];
    fc.assert(
      fc.property(fc.infiniteStream(fc.boolean()), (keep) => {
        const part = someOf(file, () => keep.next().value === true);
        const form = formOf(part, schema);
        if (form === undefined) return;
        // These tables say something only as a whole: without a part of them today's manager does not start either.
        for (const whole of schema === ManagerConfig ? ["database", "server"] : []) {
          if (isTable(part[whole])) part[whole] = file[whole];
        }
        parseConfig(schema, conversionText(convert(part, form, schema), name), name);
        const told = fatesOf(part, form, schema).map(({ path }) => path);
        for (const path of leavesOf(part)) {
          const isTold = told.some((known) => path === known || path.startsWith(`${known}.`));
          assert.ok(isTold || SILENT.some((silent) => path.startsWith(silent)), `${name}: ${path}`);
        }
      }),
      { numRuns: 100 },
    );
  }
});

/** Keys that only say how others are read, or that switch nothing on. */
const SILENT = [
  "proxy.defaultFilter",
  "proxy.registryMirror.useProxies",
  "proxy.registryMirror.direct",
  "proxy.registryMirror.certs",
  "registry_mirror.direct",
  "registry_mirror.certs",
  "verbose",
  "database.mysql.tls.ca",
];

function someOf(table: Table, keep: () => boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).filter(keep).map(([key, value]) => [key, isTable(value) ? someOf(value, keep) : value]),
  );
}

function leavesOf(table: Table, prefix = ""): string[] {
  return Object.entries(table).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (isTable(value)) return leavesOf(value, `${path}.`);
    return value === null || value === "" ? [] : [path];
  });
}

function valueOf(file: Table, schema: z.ZodObject = DfdaemonConfig): Table {
  return converted(file, schema).conversion.value;
}

function decisionsOf(file: Table, schema: z.ZodObject = DfdaemonConfig): string[] {
  return converted(file, schema).conversion.decide.map(({ path }) => path);
}

Deno.test("a file of today is none of old, whatever is wrong in it", () => {
  for (const text of ["host: { idc: a }", "seedPeer: { enabled: true }", "proxy: { server: { prt: 1 } }", "{}"]) {
    assert.equal(formOf(readOldFile(text, "f"), DfdaemonConfig), undefined, text);
  }
  const ignored = { storage: { maxSize: 100 }, "pprof-port": -1, tracing: { headers: { "a-b": "c" } } };
  assert.equal(formOf(ignored, SchedulerConfig), undefined);
  assert.equal(formOf({ security: { autoIssueCert: false } }, ManagerConfig)?.component, "manager");
});

Deno.test("what protected somebody and does not any more has to be decided about", () => {
  assert.deepEqual(decisionsOf({ upload: { security: { insecure: false } } }), ["upload.security"]);
  assert.deepEqual(decisionsOf({ download: { peerGRPC: { security: { cert: "/c" } } } }), [
    "download.peerGRPC.security",
  ]);
  assert.deepEqual(decisionsOf({ security: { autoIssueCert: true } }), ["security"]);
  assert.deepEqual(decisionsOf({ host: { securityDomain: "a" } }), ["host.securityDomain"]);
  assert.deepEqual(decisionsOf({ security: { autoIssueCert: true } }, SchedulerConfig), ["security"]);
});

Deno.test("the proxy stays on the port that the node's runtimes ask", () => {
  assert.deepEqual(valueOf({ proxy: { registryMirror: { dynamic: true } } })["proxy"], { server: { port: 65001 } });
  assert.deepEqual(valueOf({ proxy: { tcpListen: { port: 4001 } } })["proxy"], { server: { port: 4001 } });
  assert.deepEqual(valueOf({ registry_mirror: { remote: "https://a" } })["proxy"], {
    server: { port: 65001 },
    registryMirror: { addr: "https://a" },
  });
});

Deno.test("blobs go on being shared unless the rules of old decided for the mirror too", () => {
  const rules = (proxy: Table) => (valueOf({ proxy }) as { proxy: { rules?: unknown } }).proxy.rules;
  const proxies = [{ regx: "quay" }];
  assert.deepEqual(rules({ proxies }), [{ regex: "quay" }, { regex: "blobs/sha256.*" }]);
  assert.deepEqual(rules({ proxies, registryMirror: { useProxies: true } }), [{ regex: "quay" }]);
  assert.deepEqual(rules({ registryMirror: { direct: true } }), []);
  assert.deepEqual(rules({ proxies, registryMirror: { direct: true } }), [{ regex: "quay" }]);
  assert.deepEqual(rules({ defaultFilter: "a&b", tcpListen: { port: 1 } }), [
    { regex: "blobs/sha256.*", filteredQueryParams: ["a", "b"] },
  ]);
  assert.equal(rules({ defaultFilter: "Expires&Signature&ns" }), undefined);
});

Deno.test("what was direct stays so, the first rule that matches decides, and no rule takes the mirror's blobs away", () => {
  const rules = (proxies: Table[], more: Table = {}) =>
    (valueOf({ proxy: { proxies, ...more } }) as { proxy: { rules: unknown } }).proxy.rules;
  const direct = { regex: "quay", direct: true };
  const blobs = { regex: "blobs/sha256.*" };
  const quay = { regx: "quay", direct: true };
  assert.deepEqual(rules([quay, { regx: "reg", redirect: "b" }]), [direct, { regex: "reg", redirect: "b" }, blobs]);
  assert.deepEqual(rules([quay, { regx: ".*", direct: true }]), [direct, blobs, { regex: ".*", direct: true }]);
  const [all, everyBlob] = [{ regx: ".*", direct: true }, { regx: "blobs/sha256.*" }];
  assert.deepEqual(rules([all, everyBlob]), [blobs, { regex: ".*", direct: true }, blobs]);
  assert.deepEqual(rules([everyBlob, all]), [blobs, { regex: ".*", direct: true }]);
  assert.deepEqual(decisionsOf({ proxy: { proxies: [{ regx: "(" }] } }), ["proxy.proxies"]);
  assert.deepEqual(rules([{ regx: "blobs/sha256", direct: true }]), [blobs, { regex: "blobs/sha256", direct: true }]);
  assert.deepEqual(rules([{ regx: "blobs/sha256", direct: true }], { registryMirror: { useProxies: true } }), [
    { regex: "blobs/sha256", direct: true },
  ]);
  assert.deepEqual(rules([quay], { defaultFilter: "a&b" }), [direct, { ...blobs, filteredQueryParams: ["a", "b"] }]);
  assert.deepEqual(decisionsOf({ proxy: { proxies: [quay] } }), []);
});

Deno.test("a white list is one still, and a row that let nothing pass does so no more than before", () => {
  const listOf = (whiteList: unknown) =>
    (valueOf({ proxy: { whiteList, tcpListen: { port: 1 } } }) as { proxy: Table }).proxy["whiteList"];
  assert.deepEqual(listOf([{ host: "a", ports: ["443", "80"] }, { regx: "b.*" }]), [
    { host: "a", ports: [443, 80] },
    { regex: "b.*" },
  ]);
  const isDecided = (...whiteList: Table[]) => decisionsOf({ proxy: { whiteList, tcpListen: { port: 1 } } }).length > 0;
  assert.ok(isDecided({ host: "a", ports: [443] }, { regx: ".*" }), "a port that the first row refused");
  assert.ok(isDecided({ regx: "a", ports: [443] }, { host: "a" }));
  assert.ok(isDecided({ host: "a", ports: [443] }, { host: "a" }));
  assert.ok(!isDecided({ host: "a", ports: [443] }, { host: "b" }));
  assert.ok(!isDecided({ regx: "a" }, { host: "a", ports: [443] }));
  assert.deepEqual(listOf([{ host: "a" }, { ports: ["443"] }]), [{ host: "a" }]);
  assert.deepEqual(listOf([{ ports: ["443"] }]), []);
  assert.equal(listOf([{ host: "", regx: null }]), undefined);
  assert.deepEqual(decisionsOf({ proxy: { whiteList: [{ host: "a", ports: ["https"] }], tcpListen: { port: 1 } } }), [
    "proxy.whiteList",
  ]);
});

/** What becomes of intercepted hosts, and of the registry behind the mirror. */
function tlsOf(proxy: Table) {
  const { server, registryMirror } = (valueOf({ proxy }) as { proxy: Record<string, Table> }).proxy;
  return {
    hosts: server?.["interceptHosts"] as string[] | undefined,
    rows: registryMirror?.["upstreams"],
    ca: server?.["caCert"],
  };
}

const PAIR = { cert: "/c", key: "/k" };

Deno.test("hosts are intercepted with a certificate and its key, and without both nothing is", () => {
  const hosts = [{ regx: "quay.io:443" }, { regx: ".*\\.corp" }];
  assert.deepEqual(tlsOf({ hijackHTTPS: { ...PAIR, hosts } }), {
    ...{ hosts: ["quay.io:443", ".*\\.corp"], rows: undefined, ca: "/c" },
  });
  assert.deepEqual(decisionsOf({ proxy: { hijackHTTPS: { ...PAIR, hosts } } }), []);
  assert.deepEqual(tlsOf({ hijackHTTPS: { ...PAIR, hosts: [{ insecure: true }, ...hosts] } }).hosts?.length, 2);
  assert.deepEqual(tlsOf({ hijackHTTPS: PAIR }).hosts, [], "a certificate alone intercepted nothing");
  assert.deepEqual(tlsOf({ hijackHTTPS: { hosts } }), { hosts: undefined, rows: undefined, ca: undefined });
  assert.deepEqual(decisionsOf({ proxy: { hijackHTTPS: { hosts } } }), []);
  for (const half of [{ cert: "/c" }, { key: "/k" }]) {
    assert.deepEqual(decisionsOf({ proxy: { hijackHTTPS: { ...half, hosts } } }), ["proxy.hijackHTTPS"]);
  }
});

Deno.test("an intercepted host is trusted as it was where its pattern is a name, and is decided about else", () => {
  const of = (...hosts: Table[]) => ({ hijackHTTPS: { ...PAIR, hosts } });
  assert.deepEqual(
    tlsOf(of({ regx: "quay.io:443", insecure: true }, { regx: "^reg\\.corp:5000$", certs: ["/ca"] })).rows,
    [
      { namespace: "quay.io", addr: "https://quay.io", skipVerify: true },
      { namespace: "reg.corp:5000", addr: "https://reg.corp:5000", ca: "/ca" },
    ],
  );
  for (const regx of [".*\\.corp", ".corp"]) {
    assert.deepEqual(decisionsOf({ proxy: of({ regx, insecure: true }) }), ["proxy.hijackHTTPS"], regx);
    assert.equal(tlsOf(of({ regx, insecure: true })).rows, undefined, regx);
  }
  assert.deepEqual(decisionsOf({ proxy: of({ regx: "a.corp", certs: ["/1", "/2"] }) }), ["proxy.hijackHTTPS"]);
  const unchecked = of({ regx: "a.corp", insecure: true, certs: ["/1", "/2"] });
  assert.deepEqual(decisionsOf({ proxy: unchecked }), [], "who checks nothing reads no authorities");
});

Deno.test("a registry whose certificate was not checked is one still, and no other is", () => {
  const mirror = { url: "https://reg.corp:5000", insecure: true };
  const row = { namespace: "reg.corp:5000", addr: "https://reg.corp:5000", skipVerify: true };
  assert.deepEqual(tlsOf({ registryMirror: mirror }).rows, [row]);
  assert.deepEqual(decisionsOf({ proxy: { registryMirror: mirror } }), []);
  assert.deepEqual(decisionsOf({ proxy: { registryMirror: { ...mirror, dynamic: true } } }), [
    "proxy.registryMirror.insecure",
  ]);
  for (const url of ["https://index.docker.io", "http://reg.corp:5000", undefined]) {
    const other = { ...(url !== undefined && { url }), insecure: true };
    assert.equal(tlsOf({ registryMirror: other }).rows, undefined);
    assert.deepEqual(decisionsOf({ proxy: { registryMirror: other } }), ["proxy.registryMirror.insecure"]);
  }
  const hosts = [{ regx: "quay.io", insecure: true }, { regx: "reg.corp:5000", certs: ["/ca"] }];
  assert.deepEqual(tlsOf({ registryMirror: mirror, hijackHTTPS: { ...PAIR, hosts } }).rows, [
    row,
    { namespace: "quay.io", addr: "https://quay.io", skipVerify: true },
  ]);
  assert.deepEqual(tlsOf({ registryMirror: mirror, hijackHTTPS: { hosts } }).rows, [row], "nothing was intercepted");
  const zero = { registry_mirror: { remote: "https://reg.corp:5000/v2", insecure: true } };
  const { proxy } = valueOf(zero) as { proxy: Record<string, Table> };
  assert.deepEqual(proxy["registryMirror"]?.["upstreams"], [row]);
});

Deno.test("two keys that say the same are not decided about silently", () => {
  assert.deepEqual(decisionsOf({ dataDir: "/a", storage: { dataPath: "/b" } }), ["storage.dataPath"]);
  assert.deepEqual(decisionsOf({ dataDir: "/a", storage: { dataPath: "/a" } }), []);
});

Deno.test("a value that cannot be read is left out and named", () => {
  const { conversion } = converted({ gcInterval: "soon", keepStorage: true }, DfdaemonConfig);
  assert.deepEqual(conversion.value, { storage: { keep: true } });
  assert.match(conversion.decide[0]?.what ?? "", /Cannot parse duration "soon"/);
});

Deno.test("values of old are read in the units of old", () => {
  assert.equal(goDuration(1_500_000_000), "1500ms");
  assert.equal(goDuration("1m0s"), "1m");
  assert.deepEqual(["20M", "512Mi", "1GB", "7", "1.5k", "2 TiB"].map(oldSize), [
    "20MiB",
    "512MiB",
    "1GiB",
    "7",
    "1536",
    "2TiB",
  ]);
  assert.throws(() => oldSize("much"), /expected a size/);
  assert.deepEqual([65001, "65001", { start: 65001, end: 65009 }].map(oldPort), [65001, 65001, 65001]);
  for (const wrong of [-1, 65536, "a", {}]) assert.throws(() => oldPort(wrong), /expected a port/);
});
