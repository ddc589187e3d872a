import assert from "node:assert/strict";
import { DamselflyError } from "../src/core/error.ts";
import { MemoryDisk } from "../src/testing/memory_disk.ts";
import { diskWith, filesOn } from "../src/testing/memory_files.ts";
import { EXIT } from "./cli.ts";
import { dfinitOn } from "./harness_test.ts";

const CONFIG_TOML = "/etc/containerd/config.toml";
const CONTAINERD = "containerRuntime: { containerd: {} }\n";

function run(disk: MemoryDisk, args: readonly string[] = ["-c", "/dfinit.yaml"]) {
  return dfinitOn(disk, ...args);
}

function node(yaml: string, files: Record<string, string> = { [CONFIG_TOML]: "version = 2\n" }): Promise<MemoryDisk> {
  return diskWith({ "/dfinit.yaml": yaml, ...files });
}

Deno.test("the command line is complete and says so", async (t) => {
  const { code, out } = await run(new MemoryDisk(), ["--help"]);
  assert.equal(code, EXIT.done);
  await t.assertSnapshot(out);
  assert.match((await run(new MemoryDisk(), ["-V"])).out, /^dfinit \d+\.\d+\.\d+ \(.+, deno \d+\.\d+\.\d+\)\n$/);
});

Deno.test("wrong use ends with 2", async () => {
  for (const args of [["--colour"], ["--config"], ["-l", "loud"], ["extra"]]) {
    const { code, error } = await run(new MemoryDisk(), args);
    assert.equal(code, EXIT.usage, args.join(" "));
    assert.match(error, /^error: /);
  }
});

Deno.test("the flags of Dragonfly's dfinit are accepted", async () => {
  const args = ["--config", "/dfinit.yaml", "--log-level", "debug", "--console"];
  assert.equal((await run(await node(CONTAINERD), args)).code, EXIT.done);
});

Deno.test("a configuration that names no runtime leaves the node alone", async () => {
  const { code, out } = await run(await node("proxy: { addr: http://127.0.0.1:4001 }\n"));
  assert.deepEqual({ code, out }, {
    code: EXIT.done,
    out: "Nothing to do: the configuration names no container runtime\n",
  });
});

Deno.test("without any configuration the file that was looked for is named", async () => {
  const { code, out } = await run(new MemoryDisk(), []);
  assert.deepEqual({ code, out }, {
    code: EXIT.done,
    out: "Nothing to do: there is no /etc/dragonfly/dfinit.yaml; --config names another file\n",
  });
});

Deno.test("a configuration that is missing or wrong ends with 1 and says why", async () => {
  const cases: [string | undefined, RegExp][] = [
    [undefined, /there is no file "\/dfinit.yaml"/],
    ["containerRuntime: { containerd: { registry: [] } }\n", /registry/],
    ["containerRuntime: {}\n", /names no runtime/],
    ["containerRuntime: { crio: { registry: [] } }\n", /registries/],
  ];
  for (const [yaml, expected] of cases) {
    const { code, error } = await run(yaml === undefined ? new MemoryDisk() : await node(yaml));
    assert.equal(code, EXIT.failed);
    assert.match(error, expected);
  }
});

Deno.test("a backup is what the file held before dfinit first came, whatever happens later", async () => {
  const disk = await node(CONTAINERD, { [CONFIG_TOML]: "version = 2 # first\n" });
  await run(disk);
  await disk.writeTextAtomic(CONFIG_TOML, "version = 3 # replaced by an upgrade\n");
  await run(disk);
  assert.equal(await disk.readText(`${CONFIG_TOML}.damselfly.bak`), "version = 2 # first\n");
  assert.match(await disk.readText(CONFIG_TOML), /^version = 3 # replaced by an upgrade\n\n\[plugins/);
});

Deno.test("wherever a run is cut off, containerd finds whole files, and the next run finishes", async () => {
  const mirrors =
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = ["https://m.corp"]\n';
  const complete = await node(CONTAINERD, { [CONFIG_TOML]: mirrors });
  await run(complete);
  const expected = await filesOn(complete);
  for (let writes = 0;; writes++) {
    const disk = await node(CONTAINERD, { [CONFIG_TOML]: mirrors });
    const write = disk.writeTextAtomic.bind(disk);
    let left = writes;
    disk.writeTextAtomic = (path, text, options) => {
      if (left-- > 0) return write(path, text, options);
      return Promise.reject(new DamselflyError("no_space", `Cannot write ${path}: ENOSPC`));
    };
    const cut = await run(disk);
    disk.writeTextAtomic = write;
    if (cut.code === EXIT.done) {
      assert.ok(writes > 2, "several files are written");
      break;
    }
    assert.match(cut.error, /^refused \/etc\/containerd\/.*Free some space/m);
    const isSet = (await disk.readText(CONFIG_TOML)).includes("config_path");
    assert.equal(isSet, false, "the line that makes containerd look for hosts.toml comes last");
    assert.equal((await run(disk)).code, EXIT.done);
    assert.deepEqual(await filesOn(disk), expected);
  }
});

Deno.test("a file that somebody changes meanwhile is not overwritten", async () => {
  const disk = await node(CONTAINERD);
  const mkdirAll = disk.mkdirAll.bind(disk);
  disk.mkdirAll = async (path) => {
    await disk.writeTextAtomic(CONFIG_TOML, "version = 2 # by somebody else\n");
    await mkdirAll(path);
  };
  const { code, error } = await run(disk);
  assert.equal(code, EXIT.failed);
  assert.match(error, /^refused \/etc\/containerd\/config.toml: it was changed while dfinit ran. Run dfinit again$/m);
  assert.equal(await disk.readText(CONFIG_TOML), "version = 2 # by somebody else\n");
});

Deno.test("a diff does not show the credentials around a change", async () => {
  const auth =
    '[plugins."io.containerd.grpc.v1.cri".registry.configs.r.auth]\n# password = "oldword"\npassword = "hunter22"\n';
  const disk = await node(CONTAINERD, { [CONFIG_TOML]: `version = 2\n${auth}` });
  const { out } = await run(disk, ["-c", "/dfinit.yaml", "--diff"]);
  assert.match(out, /^ password = "\*\*\*"$/m);
  assert.doesNotMatch(out, /hunter22|oldword/);
  assert.match(await disk.readText(CONFIG_TOML), /hunter22/);
});

Deno.test("a registry that is no host name, or listed twice, is refused", async () => {
  const yaml = (...names: string[]) =>
    `containerRuntime: { containerd: { registries: [${
      names.map((name) => `{ hostNamespace: "${name}", serverAddr: "https://r" }`).join(", ")
    }] } }\n`;
  for (
    const [names, expected] of [
      [["../../etc"], /no registry host/],
      [[".."], /no registry host/],
      [["r:5000", "r:5000"], /listed twice/],
      [["r:5000", "r_5000_"], /listed twice|no registry host/],
    ] as const
  ) {
    const disk = await node(yaml(...names));
    const before = await filesOn(disk);
    const { code, error } = await run(disk);
    assert.equal(code, EXIT.failed, names.join(" "));
    assert.match(error, expected);
    assert.deepEqual(await filesOn(disk), before);
  }
});

Deno.test("a ca file must exist on the node, because containerd drops the whole hosts.toml without it", async () => {
  const yaml =
    "containerRuntime: { containerd: { registries: [{ hostNamespace: r, serverAddr: 'https://r', ca: [/ca.pem] }] } }\n";
  const disk = await node(yaml);
  assert.match((await run(disk)).error, /the ca file \/ca.pem does not exist on the node/);
  await disk.writeTextAtomic("/ca.pem", "");
  const { code, error } = await run(disk);
  assert.equal(code, EXIT.done);
  assert.match(error, /warning: https:\/\/r: .* in proxy.registryMirror.upstreams of dfdaemon.yaml/);
});

Deno.test("a containerd that runs without a file gets one when that is asked for, and only then", async () => {
  const disk = await node(CONTAINERD, {});
  const refused = await run(disk);
  assert.equal(refused.code, EXIT.failed);
  assert.match(refused.error, /--create-config/);
  assert.equal(await disk.stat(CONFIG_TOML), undefined);
  const made = await run(disk, ["-c", "/dfinit.yaml", "--create-config"]);
  assert.equal(made.code, EXIT.done);
  assert.match(made.out, /^created \/etc\/containerd\/config\.toml: config_path/m);
  assert.match(await disk.readText(CONFIG_TOML), /^version = 2\n[^]*config_path = "\/etc\/containerd\/certs\.d"\n$/);
  assert.match((await run(disk)).out, /^Nothing to do$/m);
  const importing = await node(CONTAINERD, { [CONFIG_TOML]: 'version = 2\nimports = ["/etc/gone.toml"]\n' });
  const gone = await run(importing, ["-c", "/dfinit.yaml", "--create-config"]);
  assert.match(gone.error, /\/etc\/gone\.toml/);
  assert.equal(gone.code, EXIT.failed);
});
