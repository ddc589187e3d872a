import assert from "node:assert/strict";
import fc from "fast-check";
import { parse as parseToml } from "smol-toml";
import { parse as parseYaml, stringify } from "yaml";
import type { MemoryDisk } from "../src/testing/memory_disk.ts";
import { diskWith, filesOn, foldersOn } from "../src/testing/memory_files.ts";
import { EXIT, runDfinit } from "./cli.ts";

const MIRROR = "http://127.0.0.1:4001";
const DAEMON = "/etc/docker/daemon.json";
const REGISTRIES_YAML = "/etc/rancher/k3s/registries.yaml";
const REGISTRIES_CONF = "/etc/containers/registries.conf";
const DROP_IN = `${REGISTRIES_CONF}.d/99-damselfly.conf`;
const CONFIG_TOML = "/etc/containerd/config.toml";

const host: fc.Arbitrary<string> = fc.constantFrom(
  "docker.io",
  "quay.io",
  "ghcr.io",
  "reg.corp:5000",
  "a.b.c",
  "localhost:5001",
  "10.0.0.1",
);
const hosts = fc.uniqueArray(host, { maxLength: 4 });
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const endpoint = fc.constantFrom("https://near.corp", "http://10.0.0.9:5000", "https://far.corp/v2/hub");
const endpoints = fc.uniqueArray(endpoint, { maxLength: 3 });
const comment = fc.constantFrom("", "# a comment\n", "# zwei Wörter – ☂\n\n");

async function dfinit(disk: MemoryDisk, verb: string) {
  let said = "";
  const print = (text: string) => void (said += text);
  const args = [verb, "-c", "/dfinit.yaml"];
  const code = await runDfinit(args, { disk, env: () => undefined, print, printError: print });
  return { code, said };
}

interface Node {
  readonly runtime: object;
  readonly files: Readonly<Record<string, string>>;
}

/** What holds of every node. `check` looks at the files after apply; a node that is refused is left as it was. */
async function holds({ runtime, files }: Node, check: (after: Record<string, string>) => void): Promise<void> {
  const disk = await diskWith({ "/dfinit.yaml": JSON.stringify({ containerRuntime: runtime }), ...files });
  const [before, folders] = [await filesOn(disk), await foldersOn(disk)];
  const applied = await dfinit(disk, "apply");
  const after = await filesOn(disk);
  if (applied.code !== EXIT.done) {
    assert.deepEqual(after, before, applied.said);
    return;
  }
  check(after);
  for (const [path, text] of Object.entries(files)) {
    const left = new Set((after[path] ?? "").split("\n").map((line) => line.replace(/,?\s*$/, "")));
    const lost = text.split("\n").filter((line) => /^\s*(?:#|- )/.test(line) && !left.has(line.replace(/,?\s*$/, "")));
    assert.deepEqual(lost.filter((line) => !line.includes("4001")), [], `${path} keeps comments and items`);
  }
  assert.match((await dfinit(disk, "apply")).said, /^Nothing to do$/m);
  assert.deepEqual(await filesOn(disk), after, "a second run changes nothing");
  assert.equal((await dfinit(disk, "restore")).code, EXIT.done);
  assert.deepEqual(await filesOn(disk), before, "restore is the inverse of apply");
  assert.deepEqual(await foldersOn(disk), folders);
}

const daemonJson = fc.record({
  rest: fc.dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4, noNullPrototype: true }),
  mirrors: fc.option(
    fc.uniqueArray(fc.constantFrom(MIRROR, `${MIRROR}/`, "https://near.corp", "https://x"), { maxLength: 3 }),
  ),
  noProxy: fc.option(word),
  indent: fc.constantFrom(0, 2, 4, "\t"),
  eol: fc.constantFrom("", "\n", "\r\n"),
  mark: fc.constantFrom("", "\ufeff"),
});

Deno.test("whatever daemon.json says, the peer is the first mirror, all else stays, and restore brings it back", async () => {
  await fc.assert(fc.asyncProperty(daemonJson, fc.constantFrom("off", "daemon"), async (made, proxy) => {
    const { rest, mirrors, noProxy, indent, eol, mark } = made;
    const values = {
      ...rest,
      ...(mirrors === null ? {} : { "registry-mirrors": mirrors }),
      ...(noProxy === null ? {} : { proxies: { "no-proxy": noProxy } }),
    };
    const text = mark + JSON.stringify(values, null, indent) + eol;
    await holds({ runtime: { docker: { proxy } }, files: { [DAEMON]: text } }, (after) => {
      const { "registry-mirrors": list, proxies = {}, ...others } = JSON.parse((after[DAEMON] ?? "").replace(mark, ""));
      assert.equal(list[0].replace(/\/$/, ""), MIRROR);
      const isPeer = (url: string) => url.replace(/\/$/, "") === MIRROR;
      assert.deepEqual(
        list.slice(1).filter((url: string) => !isPeer(url)),
        (mirrors ?? []).filter((url) => !isPeer(url)),
      );
      assert.deepEqual(others, JSON.parse(JSON.stringify(rest)));
      assert.equal(proxies["no-proxy"], noProxy ?? undefined);
      assert.equal(proxies["https-proxy"], proxy === "off" ? undefined : MIRROR);
    });
  }));
});

const mirrorsYaml = fc.record({
  mirrors: fc.option(fc.dictionary(
    fc.oneof(host, fc.constant("*")),
    fc.option(fc.record({
      endpoint: endpoints,
      rewrite: fc.constant({ "^(.*)$": "x/$1" }),
    }, { requiredKeys: [], noNullPrototype: true })),
    { maxKeys: 4, noNullPrototype: true },
  )),
  configs: fc.option(fc.constant({ "near.corp": { auth: { username: "u", password: "p" } } })),
  comment,
  indentSeq: fc.boolean(),
  flow: fc.boolean(),
});

Deno.test("whatever registries.yaml says, every mirror without a rewrite asks the peer first", async () => {
  const k3s = (all: boolean, listed: string[]) => ({
    containerd: {
      configPath: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
      proxyAllRegistries: all,
      registries: listed.map((hostNamespace) => ({ hostNamespace, serverAddr: `https://${hostNamespace}` })),
    },
  });
  await fc.assert(fc.asyncProperty(mirrorsYaml, fc.boolean(), hosts, async (made, all, listed) => {
    const values = {
      ...(made.mirrors === null ? {} : { mirrors: made.mirrors }),
      ...(made.configs === null ? {} : { configs: made.configs }),
    };
    const style = made.flow ? { collectionStyle: "flow" as const } : { indentSeq: made.indentSeq };
    const text = made.comment + (Object.keys(values).length === 0 ? "" : stringify(values, style));
    await holds({ runtime: k3s(all, listed), files: { [REGISTRIES_YAML]: text } }, (after) => {
      const { mirrors = {}, configs } = parseYaml(after[REGISTRIES_YAML] ?? "") ?? {};
      assert.deepEqual(configs, made.configs ?? undefined);
      const was = made.mirrors ?? {};
      for (const name of all ? [...Object.keys(was), ...listed, "*"] : listed) {
        if (was[name]?.rewrite !== undefined) assert.deepEqual(mirrors[name], was[name]);
        else assert.deepEqual(mirrors[name].endpoint, [MIRROR, ...was[name]?.endpoint ?? []]);
      }
      const others = Object.keys(was).filter((name) => !all && !listed.includes(name));
      for (const name of others) assert.deepEqual(mirrors[name], was[name]);
    });
  }));
});

const entry = fc.record({
  location: host,
  insecure: fc.boolean(),
  mirrors: fc.uniqueArray(fc.constantFrom("near.corp/x", "far.corp", "127.0.0.1:4001"), { maxLength: 2 }),
});
const conf = fc.record({
  comment,
  entries: fc.uniqueArray(entry, { maxLength: 3, selector: ({ location }) => location }),
})
  .map(({ comment, entries }) => ({
    entries,
    text: comment +
      entries.map(({ location, insecure, mirrors }) =>
        `[[registry]]\nlocation = "${location}"\ninsecure = ${insecure}\n` +
        mirrors.map((mirror) => `[[registry.mirror]]\nlocation = "${mirror}"\n`).join("")
      ).join(""),
  }));

Deno.test("whatever registries.conf and a drop-in say, the peer is the first mirror of what is listed, and theirs follow", async () => {
  await fc.assert(
    fc.asyncProperty(conf, conf, hosts, fc.constantFrom("crio", "podman"), async (main, more, listed, name) => {
      const registries = listed.map((prefix) => ({ prefix, location: prefix }));
      const files: Record<string, string> = {
        [REGISTRIES_CONF]: main.text,
        [`${REGISTRIES_CONF}.d/50-more.conf`]: more.text,
      };
      await holds({ runtime: { [name]: { registries } }, files }, (after) => {
        for (const path of Object.keys(files)) assert.equal(after[path], files[path], "theirs stays as it is");
        if (listed.length === 0) return assert.equal(after[DROP_IN], undefined);
        const { registry } = parseToml(after[DROP_IN] ?? "") as unknown as {
          registry: { prefix: string; insecure?: boolean; mirror: { location: string }[] }[];
        };
        assert.deepEqual(registry.map(({ prefix }) => prefix), listed);
        for (const { prefix, insecure, mirror: [peer, ...others] } of registry) {
          const theirs = [...main.entries, ...more.entries].findLast(({ location }) => location === prefix);
          assert.equal(peer?.location, `127.0.0.1:4001/${prefix.replace(":", "__")}`);
          assert.deepEqual(
            others.map(({ location }) => location),
            theirs?.mirrors.filter((l) => l !== "127.0.0.1:4001") ?? [],
          );
          assert.equal(insecure ?? false, theirs?.insecure ?? false);
        }
      });
    }),
  );
});

const configToml = fc.record({
  version: fc.constantFrom(2, 3),
  comment,
  configPath: fc.constantFrom(undefined, "", "/etc/containerd/certs.d", "/etc/containerd/certs.d:/etc/docker/certs.d"),
  mirrors: fc.option(fc.dictionary(host, endpoints, { maxKeys: 3, noNullPrototype: true })),
  eol: fc.constantFrom("\n", "\r\n"),
}).map(({ version, comment, configPath, mirrors, eol }) => {
  const plugin = version === 2 ? "io.containerd.grpc.v1.cri" : "io.containerd.cri.v1.images";
  const tables = Object.entries(configPath === undefined || configPath === "" ? mirrors ?? {} : {}).map((
    [name, list],
  ) => `[plugins."${plugin}".registry.mirrors."${name}"]\nendpoint = ${JSON.stringify(list)}\n`);
  const line = configPath === undefined ? "" : `[plugins."${plugin}".registry]\nconfig_path = "${configPath}"\n`;
  return `version = ${version}\n${comment}[plugins."${plugin}"]\nx = 1\n${line}${tables.join("")}`.replaceAll(
    "\n",
    eol,
  );
});
const hostsToml = fc.record({ comment, server: fc.boolean(), hosts: fc.uniqueArray(endpoint, { maxLength: 2 }) })
  .map(({ comment, server, hosts }) =>
    comment + (server ? 'server = "https://own.corp"\n' : "") + hosts.map((url) => `[host."${url}"]\n`).join("")
  );

Deno.test("whatever containerd's files say, the peer comes first for what is listed, and restore brings them back", async () => {
  const others = fc.dictionary(host, hostsToml, { maxKeys: 3, noNullPrototype: true });
  await fc.assert(fc.asyncProperty(configToml, others, hosts, fc.boolean(), async (config, theirs, listed, all) => {
    const registries = listed.map((hostNamespace) => ({ hostNamespace, serverAddr: `https://${hostNamespace}` }));
    const files = Object.fromEntries(
      Object.entries(theirs).map(([name, text]) => [`/etc/containerd/certs.d/${name}/hosts.toml`, text]),
    );
    const runtime = { containerd: { proxyAllRegistries: all, registries } };
    await holds({ runtime, files: { [CONFIG_TOML]: config, ...files } }, (after) => {
      assert.match(after[CONFIG_TOML] ?? "", /config_path = "\/etc\/containerd\/certs\.d"/);
      for (const name of [...listed, ...(all ? ["_default"] : [])]) {
        const text = after[`/etc/containerd/certs.d/${name}/hosts.toml`] ?? "";
        const asked = Object.keys((parseToml(text) as { host?: object }).host ?? {});
        assert.equal(asked[0], MIRROR, name);
      }
    });
  }));
});
