import assert from "node:assert/strict";
import { DamselflyError } from "../src/core/error.ts";
import { MemoryDisk } from "../src/testing/memory_disk.ts";
import { diskWith, filesOn, foldersOn } from "../src/testing/memory_files.ts";
import { EXIT } from "./cli.ts";
import { dfinit } from "./harness_test.ts";

const DOCKER_FILE = "/etc/docker/daemon.json";
const DROP_IN = "/etc/containers/registries.conf.d/99-damselfly.conf";
const HOSTS = "/etc/containerd/certs.d/ghcr.io/hosts.toml";

/** A node for each format of files, with the file in which dfinit says who is asked. */
const NODES = {
  containerd: {
    wanted: HOSTS,
    yaml:
      "containerRuntime: { containerd: { registries: [{ hostNamespace: ghcr.io, serverAddr: 'https://ghcr.io' }] } }\n",
    files: { "/etc/containerd/config.toml": 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  x = 1\n' },
  },
  docker: {
    wanted: DOCKER_FILE,
    yaml: "containerRuntime: { docker: {} }\n",
    files: { [DOCKER_FILE]: '{\n  "debug": true\n}\n' },
  },
  crio: {
    wanted: DROP_IN,
    yaml: "containerRuntime: { crio: { registries: [{ prefix: quay.io, location: quay.io }] } }\n",
    files: { "/etc/containers/registries.conf": 'unqualified-search-registries = ["quay.io"]\n' },
  },
  k3s: {
    wanted: "/etc/rancher/k3s/registries.yaml",
    yaml: "containerRuntime: { containerd: {} }\n",
    files: {
      "/var/lib/rancher/k3s/agent/etc/containerd/config.toml": "version = 3\n",
      "/etc/rancher/k3s/registries.yaml": "mirrors:\n  docker.io:\n    endpoint:\n      - https://near.corp\n",
    },
  },
} as const;

function node({ yaml, files }: { yaml: string; files: Readonly<Record<string, string>> }): Promise<MemoryDisk> {
  return diskWith({ "/dfinit.yaml": yaml, ...files });
}

async function edit(disk: MemoryDisk, path: string, change: (text: string) => string): Promise<void> {
  await disk.writeTextAtomic(path, change(await disk.readText(path)));
}

Deno.test("diff shows what apply would change, changes nothing, and ends with 3 while something would", async () => {
  for (const [name, made] of Object.entries(NODES)) {
    const disk = await node(made);
    const before = await filesOn(disk);
    const diff = await dfinit(disk, "diff");
    assert.equal(diff.code, EXIT.wouldChange, name);
    assert.match(diff.out, /^@@ /m);
    assert.deepEqual(await filesOn(disk), before);
    assert.equal((await dfinit(disk, "apply")).code, EXIT.done);
    assert.equal((await dfinit(disk, "diff")).code, EXIT.done);
  }
});

Deno.test("status tells a node that is not configured from one that is, and from one that somebody changed", async () => {
  for (const [name, made] of Object.entries(NODES)) {
    const disk = await node(made);
    const state = async () => {
      const { code, out } = await dfinit(disk, "status");
      return [/^\w+: ([a-z ]+)$/m.exec(out)?.[1], code];
    };
    assert.deepEqual(await state(), ["not configured", EXIT.wouldChange], name);
    await dfinit(disk);
    assert.deepEqual(await state(), ["configured", EXIT.done], name);
    await disk.remove(made.wanted);
    assert.deepEqual(await state(), ["drifted", EXIT.wouldChange], name);
  }
  const broken = await node({ ...NODES.docker, files: { [DOCKER_FILE]: "{" } });
  const { code, out } = await dfinit(broken, "status");
  assert.deepEqual([code, out], [EXIT.failed, "docker: refused\n"]);
});

Deno.test("status names the registries that go around the peer", async () => {
  const disk = await node({
    ...NODES.containerd,
    files: {
      ...NODES.containerd.files,
      "/etc/containerd/certs.d/reg.corp/hosts.toml": 'server = "https://reg.corp"\n',
    },
  });
  assert.match((await dfinit(disk, "status")).out, /^ {2}bypassed reg\.corp: .*does not name/m);
});

Deno.test("--json is one document, with what the text says", async () => {
  const disk = await node(NODES.docker);
  const diff = await dfinit(disk, "diff", "--json");
  assert.equal(diff.code, EXIT.wouldChange);
  const { applied, runtimes: [docker] } = JSON.parse(diff.out);
  assert.equal(applied, false);
  assert.deepEqual([docker.runtime, docker.state, docker.restart], ["docker", "not configured", false]);
  assert.deepEqual([docker.changes[0].path, docker.changes[0].action], [DOCKER_FILE, "change"]);
  assert.match(docker.changes[0].diff, /^\+ {2}"registry-mirrors"/m);
  assert.equal(docker.bypassed[0].registry, "registries other than docker.io");
  const done = JSON.parse((await dfinit(disk, "--json")).out);
  assert.deepEqual([done.applied, done.runtimes[0].state], [true, "configured"]);
  const status = JSON.parse((await dfinit(disk, "status", "--json")).out);
  assert.deepEqual([status.runtimes[0].state, status.runtimes[0].changes], ["configured", []]);
  const nothing = await node({ yaml: "{}\n", files: {} });
  assert.deepEqual(JSON.parse((await dfinit(nothing, "status", "--json")).out), { applied: false, runtimes: [] });
});

Deno.test("restore shows with --check what it would do, and a second one has nothing to do", async () => {
  const disk = await node(NODES.crio);
  const untouched = await filesOn(disk);
  await dfinit(disk);
  const applied = await filesOn(disk);
  const check = await dfinit(disk, "restore", "--check");
  assert.equal(check.code, EXIT.wouldChange);
  assert.match(check.out, new RegExp(`^would remove ${DROP_IN}`, "m"));
  assert.deepEqual(await filesOn(disk), applied);
  assert.match((await dfinit(disk, "restore")).out, new RegExp(`^removed ${DROP_IN}: dfinit made it$`, "m"));
  assert.deepEqual(await filesOn(disk), untouched);
  const again = await dfinit(disk, "restore");
  assert.deepEqual([again.code, again.out], [EXIT.done, "Nothing to do\n"]);
});

Deno.test("restore takes out just ours where somebody else changed a file since", async () => {
  const cases: [keyof typeof NODES, string, (text: string) => string, RegExp[], RegExp][] = [
    ["docker", DOCKER_FILE, (text) => text.replace("true", "false"), [/"debug": false/], /4001|registry-mirrors/],
    ["docker", DOCKER_FILE, (text) => text.replace("4001", '4001", "https://x.corp'), [/"https:\/\/x\.corp"/], /4001/],
    [
      "crio",
      DROP_IN,
      (text) => `${text}\n[[registry]]\nlocation = "x.corp"\n`,
      [/^\[\[registry\]\]\nlocation = "x/m],
      /4001/,
    ],
    [
      "containerd",
      HOSTS,
      (text) => `${text}\n[host."https://x.corp"]\n`,
      [/^\[host\."https:\/\/x\.corp"\]$/m],
      /damselfly|4001/,
    ],
    [
      "containerd",
      "/etc/containerd/config.toml",
      (text) => text.replace("x = 1", "x = 2"),
      [/x = 2/],
      /config_path|registry/,
    ],
    [
      "k3s",
      "/etc/rancher/k3s/registries.yaml",
      (text) => `${text}configs: {}\n`,
      [/near\.corp/, /^configs/m],
      /4001|"\*"/,
    ],
  ];
  for (const [name, path, change, kept, gone] of cases) {
    const disk = await node(NODES[name]);
    await dfinit(disk);
    await edit(disk, path, change);
    const { code, out, error } = await dfinit(disk, "restore");
    assert.equal(code, EXIT.done, error);
    assert.match(out, new RegExp(`^changed ${path}: without what dfinit added`, "m"));
    const text = await disk.readText(path);
    for (const pattern of kept) assert.match(text, pattern);
    assert.doesNotMatch(text, gone);
    const left = Object.keys(await filesOn(disk)).filter((file) => file.includes(".damselfly."));
    assert.deepEqual(left, [], "no copy and no record stays");
  }
});

Deno.test("what somebody changed between two runs of dfinit stays when it is restored", async () => {
  const cases: [keyof typeof NODES, string, (text: string) => string, RegExp][] = [
    ["docker", DOCKER_FILE, (text) => text.replace("true", "false"), /"debug": false/],
    ["k3s", "/etc/rancher/k3s/registries.yaml", (text) => `${text}configs: {}\n`, /near\.corp[^]*^configs/m],
  ];
  for (const [name, path, change, kept] of cases) {
    const disk = await node(NODES[name]);
    await dfinit(disk);
    await edit(disk, path, change);
    await disk.writeTextAtomic("/dfinit.yaml", `proxy: { addr: "http://127.0.0.1:65001" }\n${NODES[name].yaml}`);
    for (let run = 0; run < 2; run++) assert.equal((await dfinit(disk)).code, EXIT.done);
    assert.match(await disk.readText(path), /65001/);
    await dfinit(disk, "restore");
    assert.match(await disk.readText(path), kept, name);
    assert.doesNotMatch(await disk.readText(path), /65001|4001/);
  }
});

Deno.test("what somebody wrote into a file that dfinit made stays when it is restored", async () => {
  const cases: [keyof typeof NODES, (text: string) => string, RegExp][] = [
    ["k3s", (text) => `${text}configs: {}\n`, /^configs: \{\}\n$/],
    ["k3s", (text) => `${text}# a note\n`, /^# a note\n$/],
    ["docker", (text) => text.replace("{", '{ "debug": true,'), /"debug": true/],
  ];
  for (const [name, change, left] of cases) {
    const disk = await node(NODES[name]);
    const path = NODES[name].wanted;
    await disk.remove(path);
    await dfinit(disk);
    await edit(disk, path, change);
    await dfinit(disk, "restore");
    assert.match(await disk.readText(path), left);
    assert.doesNotMatch(await disk.readText(path), /4001/);
  }
});

Deno.test("a mirror that was there before stays when it is restored, wherever it stood", async () => {
  const before = '{ "registry-mirrors": ["https://x.corp", "http://127.0.0.1:4001"], "debug": true }\n';
  const disk = await node({ ...NODES.docker, files: { [DOCKER_FILE]: before } });
  await dfinit(disk);
  await edit(disk, DOCKER_FILE, (text) => text.replace("true", "false"));
  await dfinit(disk, "restore");
  const { "registry-mirrors": mirrors } = JSON.parse(await disk.readText(DOCKER_FILE));
  assert.deepEqual(mirrors.toSorted(), ["http://127.0.0.1:4001", "https://x.corp"]);
  const path = NODES.k3s.wanted;
  const yaml = "mirrors:\n  x.io:\n    endpoint:\n      - https://x.corp\n      - http://127.0.0.1:4001\n";
  const k3s = await node({ ...NODES.k3s, files: { ...NODES.k3s.files, [path]: yaml } });
  await dfinit(k3s);
  await edit(k3s, path, (text) => `${text}configs: {}\n`);
  await dfinit(k3s, "restore");
  assert.match(await k3s.readText(path), /x\.io:\n {4}endpoint:\n.*4001.*\n.*x\.corp\nconfigs/);
});

Deno.test("a proxy that is not asked for any more goes with the next run, and one of before stays", async () => {
  const asked = (proxy: string) => `containerRuntime: { docker: { proxy: ${proxy} } }\n`;
  for (const original of ['{ "debug": true }', '{ "proxies": { "https-proxy": "http://127.0.0.1:4001" } }']) {
    const disk = await node({ yaml: asked("daemon"), files: { [DOCKER_FILE]: original } });
    await dfinit(disk);
    await disk.writeTextAtomic("/dfinit.yaml", asked("systemd"));
    assert.match((await dfinit(disk)).out, /^docker has to be restarted$/m);
    const { proxies } = JSON.parse(await disk.readText(DOCKER_FILE));
    assert.deepEqual(proxies, JSON.parse(original).proxies);
    await disk.writeTextAtomic("/dfinit.yaml", asked("off"));
    assert.match((await dfinit(disk)).out, /^removed \/etc\/systemd\/.*99-damselfly\.conf/m);
    await dfinit(disk, "restore");
    assert.equal(await disk.readText(DOCKER_FILE), original);
  }
});

Deno.test("Docker's proxies lose the peer alone, and go when nothing else was in them", async () => {
  const peer = "http://127.0.0.1:4001";
  const cases = [
    [{}, undefined],
    [{ proxies: { "no-proxy": "x.corp" } }, { "no-proxy": "x.corp" }],
    [{ proxies: { "http-proxy": peer } }, { "http-proxy": peer }],
    [{ proxies: {} }, {}],
  ] as const;
  for (const [before, expected] of cases) {
    const text = JSON.stringify({ ...before, debug: true });
    const disk = await node({
      yaml: "containerRuntime: { docker: { proxy: daemon } }\n",
      files: { [DOCKER_FILE]: text },
    });
    await dfinit(disk);
    assert.equal(JSON.parse(await disk.readText(DOCKER_FILE)).proxies["https-proxy"], peer);
    await edit(disk, DOCKER_FILE, (text) => text.replace("true", "false"));
    await dfinit(disk, "restore");
    assert.deepEqual(JSON.parse(await disk.readText(DOCKER_FILE)), {
      debug: false,
      ...(expected === undefined ? {} : { proxies: expected }),
    }, text);
  }
});

Deno.test("a file that was there before does not go, even if its copy did", async () => {
  const disk = await node({ ...NODES.docker, files: { [DOCKER_FILE]: "" } });
  await dfinit(disk);
  await disk.remove(`${DOCKER_FILE}.damselfly.bak`);
  await edit(disk, DOCKER_FILE, (text) => `${text}\n`);
  await dfinit(disk, "restore");
  assert.equal((await disk.readText(DOCKER_FILE)).trim(), "");
});

Deno.test("containerd is told to look elsewhere before the files there go", async () => {
  const disk = await node(NODES.containerd);
  await dfinit(disk);
  const { out } = await dfinit(disk, "restore");
  const [config = -1, hosts = -1] = ["/etc/containerd/config.toml", HOSTS].map((path) => out.indexOf(path));
  assert.ok(config !== -1 && config < hosts, out);
});

Deno.test("Docker reloads a list of mirrors, and notices at its next start only that there is none", async () => {
  const disk = await node(NODES.docker);
  assert.match((await dfinit(disk)).out, /^docker has to read its configuration: systemctl reload docker$/m);
  assert.match((await dfinit(disk, "restore")).out, /^docker has to be restarted$/m);
});

Deno.test("a file that somebody removed since is not brought back", async () => {
  const disk = await node(NODES.docker);
  await dfinit(disk);
  await disk.remove(DOCKER_FILE);
  assert.equal((await dfinit(disk, "restore")).code, EXIT.done);
  assert.deepEqual(Object.keys(await filesOn(disk)), ["/dfinit.yaml"]);
});

Deno.test("without its record restore still takes out what is marked, and nothing that people wrote themselves", async () => {
  const disk = await node({
    ...NODES.containerd,
    files: { ...NODES.containerd.files, "/etc/containerd/certs.d/x.corp/hosts.toml": 'server = "https://x.corp"\n' },
  });
  await dfinit(disk);
  await disk.remove("/etc/containerd/dfinit.damselfly.json");
  assert.equal((await dfinit(disk, "restore")).code, EXIT.done);
  const hosts = Object.keys(await filesOn(disk)).filter((path) => path.endsWith("hosts.toml"));
  assert.deepEqual(hosts, ["/etc/containerd/certs.d/x.corp/hosts.toml"]);
  const byHand = '{ "registry-mirrors": ["http://127.0.0.1:4001"] }\n';
  const docker = await node({ ...NODES.docker, files: { [DOCKER_FILE]: byHand } });
  assert.match((await dfinit(docker, "restore")).out, /^Nothing to do$/m);
  await dfinit(docker);
  assert.equal(await docker.readText(DOCKER_FILE), byHand);
});

Deno.test("a record that is not ours is refused, and nothing is changed", async () => {
  for (const text of ["{", "{}", '{"version":2,"mirror":"x","files":[]}']) {
    const disk = await node({ ...NODES.docker, files: { "/etc/docker/dfinit.damselfly.json": text } });
    const before = await filesOn(disk);
    for (const verb of ["apply", "restore", "status"]) {
      const { code, error } = await dfinit(disk, verb);
      assert.equal(code, EXIT.failed, verb);
      assert.match(error, /^refused \/etc\/docker\/dfinit\.damselfly\.json/m);
    }
    assert.deepEqual(await filesOn(disk), before);
  }
});

Deno.test("a registry that is taken off the list loses its files with the next run", async () => {
  const disk = await node(NODES.containerd);
  const folders = await foldersOn(disk);
  await dfinit(disk);
  assert.ok(await disk.stat(HOSTS));
  await disk.writeTextAtomic("/dfinit.yaml", "containerRuntime: { containerd: { proxyAllRegistries: false } }\n");
  const { out } = await dfinit(disk);
  assert.match(out, new RegExp(`^removed ${HOSTS}: dfinit made it$`, "m"));
  assert.equal(await disk.stat("/etc/containerd/certs.d/ghcr.io"), undefined);
  assert.match((await dfinit(disk)).out, /^Nothing to do$/m);
  await dfinit(disk, "restore");
  assert.deepEqual(await foldersOn(disk), folders);
});

Deno.test("mirrors that left containerd's configuration stay in hosts.toml as long as they are not restored", async () => {
  const mirrors =
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."x.io"]\nendpoint = ["https://m.corp"]\n';
  const files = { "/etc/containerd/config.toml": mirrors };
  const disk = await node({ yaml: "containerRuntime: { containerd: {} }\n", files });
  await dfinit(disk);
  await dfinit(disk);
  assert.match(await disk.readText("/etc/containerd/certs.d/x.io/hosts.toml"), /https:\/\/m\.corp/);
  await dfinit(disk, "restore");
  assert.deepEqual(await filesOn(disk), { "/dfinit.yaml": "containerRuntime: { containerd: {} }\n", ...files });
});

Deno.test("a peer that moved to another port leaves nothing of its old address", async () => {
  for (const [name, made] of Object.entries(NODES)) {
    const disk = await node(made);
    const before = await filesOn(disk);
    await dfinit(disk);
    await disk.writeTextAtomic("/dfinit.yaml", `proxy: { addr: "http://127.0.0.1:65001" }\n${made.yaml}`);
    await dfinit(disk);
    const texts = Object.entries(await filesOn(disk)).filter(([path]) => !path.endsWith(".bak")).map(([, text]) =>
      text
    );
    assert.doesNotMatch(texts.join("\n"), /:4001/, name);
    assert.match((await dfinit(disk)).out, /^Nothing to do$/m);
    await dfinit(disk, "restore");
    await disk.writeTextAtomic("/dfinit.yaml", made.yaml);
    assert.deepEqual(await filesOn(disk), before, name);
  }
});

Deno.test("several runtimes are configured in one run, and a refusal of one leaves all of them alone", async () => {
  const yaml =
    "containerRuntime: { containerd: {}, docker: {}, podman: { registries: [{ prefix: quay.io, location: quay.io }] } }\n";
  const files = { ...NODES.containerd.files, ...NODES.docker.files };
  const disk = await node({ yaml, files });
  assert.equal((await dfinit(disk)).code, EXIT.done);
  for (const path of ["/etc/containerd/certs.d/_default/hosts.toml", DROP_IN]) assert.ok(await disk.stat(path), path);
  assert.match(await disk.readText(DOCKER_FILE), /4001/);
  const refusing = await node({ yaml, files: { ...files, [DOCKER_FILE]: "[]" } });
  const before = await filesOn(refusing);
  assert.equal((await dfinit(refusing)).code, EXIT.failed);
  assert.deepEqual(await filesOn(refusing), before);
});

Deno.test("the file for restarts names a unit while the runtime runs with its old configuration, and then no more", async () => {
  const socket = "/run/containerd/containerd.sock";
  const disk = await node({ ...NODES.containerd, files: { ...NODES.containerd.files, [socket]: "" } });
  const writtenAt = new Map([[socket, 1], ["/etc/containerd/config.toml", 2]]);
  const stat = disk.stat.bind(disk);
  disk.stat = async (path) => {
    const found = await stat(path);
    return found && { ...found, mtimeMs: writtenAt.get(path) ?? 0 };
  };
  const units = async () => {
    await dfinit(disk, "--restart-file", "/restart");
    return await disk.readText("/restart");
  };
  assert.equal(await units(), "restart containerd.service\n");
  assert.equal(await units(), "restart containerd.service\n", "a restart that did not come is still owed");
  assert.match((await dfinit(disk, "status")).out, /containerd has to be restarted/);
  assert.match((await dfinit(disk)).out, /^containerd has to be restarted\n$/m);
  // The runtime makes its socket anew when it starts.
  writtenAt.set(socket, 3);
  assert.equal(await units(), "", "never in a loop");
  writtenAt.set("/etc/containerd/config.toml", 4);
  await edit(disk, "/etc/containerd/config.toml", (text) => `${text}# by somebody else\n`);
  assert.equal(await units(), "", "and not for what others change");
});

Deno.test("without knowing when the runtime started, only a change of this run asks for a restart", async () => {
  const disk = await node(NODES.containerd);
  const units = async () => {
    await dfinit(disk, "--restart-file", "/restart");
    return await disk.readText("/restart");
  };
  assert.deepEqual([await units(), await units()], ["restart containerd.service\n", ""]);
  const crio = await node(NODES.crio);
  assert.match((await dfinit(crio, "--restart-file", "/restart")).out, /systemctl reload crio/);
  assert.equal(await crio.readText("/restart"), "reload crio.service\n");
});

Deno.test("what was changed is told, even where the file for restarts cannot be written", async () => {
  const disk = await node(NODES.crio);
  const write = disk.writeTextAtomic.bind(disk);
  disk.writeTextAtomic = (path, ...rest) => {
    if (path !== "/restart") return write(path, ...rest);
    return Promise.reject(new DamselflyError("not_found", "Cannot write /restart: ENOENT"));
  };
  const { code, out, error } = await dfinit(disk, "--restart-file", "/restart");
  assert.deepEqual([code, error.includes("Cannot write /restart")], [EXIT.failed, true]);
  assert.match(out, /systemctl reload crio/);
});
