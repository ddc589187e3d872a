import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, type TomlTable } from "smol-toml";
import { EXIT, runDfinit } from "../../dfinit/cli.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { e2eTest, run } from "./lib/programs.ts";

const TESTDATA = join(import.meta.dirname ?? "", "../../dfinit/testdata");

/** Nodes that every containerd from 1.6 on reads; the others are for one generation, or import files of the real root. */
const FOR_EVERY_VERSION = [
  "aks_headers_only",
  "commented",
  "crlf",
  "debian_package",
  "default_1_6",
  "default_1_7",
  "dotted_keys",
  "empty_file",
  "gke_mirrors",
  "inline_tables",
  "kind_node",
  "kubeadm",
  "kubespray",
  "rancher_desktop",
];

const CONFIG_PATH = "/etc/containerd/certs.d";

/** What containerd makes of a configuration, with the registry settings apart. */
async function dump(file: string): Promise<{ rest: TomlTable; registry: TomlTable }> {
  const rest = parse(await run("containerd", ["--config", file, "config", "dump"]));
  const plugins = rest["plugins"] as Record<string, Record<string, TomlTable>>;
  const plugin = plugins["io.containerd.cri.v1.images"] ?? plugins["io.containerd.grpc.v1.cri"];
  const registry = plugin?.["registry"];
  assert.ok(plugin !== undefined && registry !== undefined, "containerd has registry settings");
  delete plugin["registry"];
  return { rest, registry };
}

async function dfinit(root: string, verb = "apply"): Promise<void> {
  const config = join(root, "dfinit.yaml");
  writeFileSync(config, "containerRuntime: { containerd: {} }\n");
  let said = "";
  const code = await runDfinit([verb, "--config", config, "--root", root], {
    disk: realDisk(realRandom()),
    env: () => undefined,
    print: (text) => void (said += text),
    printError: (text) => void (said += text),
  });
  assert.equal(code, EXIT.done, said);
}

async function checkNode(root: string): Promise<void> {
  const file = join(root, "etc/containerd/config.toml");
  const text = readFileSync(file, "utf8");
  const before = await dump(file);
  await dfinit(root);
  const after = await dump(file);
  assert.deepEqual(after.rest, before.rest, "nothing but the registry settings changes");
  assert.equal(after.registry["config_path"], CONFIG_PATH);
  assert.deepEqual(
    Object.keys(after.registry["mirrors"] ?? {}),
    [],
    "containerd does not start with both mirrors and config_path",
  );
  for (const key of ["auths", "configs", "headers"]) assert.deepEqual(after.registry[key], before.registry[key], key);
  await dfinit(root, "restore");
  assert.equal(readFileSync(file, "utf8"), text);
}

function temporaryNode(): Disposable & { readonly root: string } {
  const root = Deno.makeTempDirSync();
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

e2eTest(
  "the containerd on this machine reads its own default configuration after dfinit",
  { programs: ["containerd"] },
  async () => {
    using node = temporaryNode();
    mkdirSync(join(node.root, "etc/containerd"), { recursive: true });
    const text = await run("containerd", ["--config", "/nonexistent", "config", "default"]);
    writeFileSync(join(node.root, "etc/containerd/config.toml"), text);
    await checkNode(node.root);
  },
);

for (const name of FOR_EVERY_VERSION) {
  e2eTest(
    `the containerd on this machine reads the node ${name} after dfinit`,
    { programs: ["containerd"] },
    async () => {
      using node = temporaryNode();
      cpSync(join(TESTDATA, name), node.root, { recursive: true });
      await checkNode(node.root);
    },
  );
}
