import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import type { MemoryDisk } from "../testing/memory_disk.ts";
import { diskWith } from "../testing/memory_files.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { wrappedDisk } from "../runtime/wrapped_disk.ts";
import { type DoctorEffects, EXIT, runDoctor } from "./doctor.ts";

const NEVER = new AbortController().signal;
/** So that no server is asked: dfdaemon.yaml cannot be used. */
const UNUSABLE = "nothing: 1\n";

/** Runs the doctor on a machine from which nobody is reached. */
async function doctor(
  files: Readonly<Record<string, string>> | MemoryDisk,
  args: readonly string[] = [],
  effects: Partial<DoctorEffects["runtime"]> = {},
  columns?: number,
): Promise<{ code: number; text: string }> {
  let text = "";
  const print = (part: string) => void (text += part);
  const refuse = () => Promise.reject(new DamselflyError("unavailable", "Cannot connect: refused"));
  const disk = "readText" in files ? files as MemoryDisk : await diskWith(files as Readonly<Record<string, string>>);
  const { net, ...others } = testRuntime({ disk, fetch: refuse });
  const runtime = { ...others, net: { ...net, connect: refuse, resolve: refuse }, ...effects };
  const terminal = { print, printError: print, columns };
  const code = await runDoctor(args, { runtime, terminal, architecture: "amd64" }, NEVER);
  return { code, text };
}

Deno.test("without configurations the defaults and the runtimes on the node are looked at", async () => {
  const { code, text } = await doctor({ "/etc/containerd/config.toml": "version = 2\n" }, ["--json"]);
  const found = JSON.parse(text).checks.map(({ id, subject }: { id: string; subject: string }) => [id, subject]);
  assert.deepEqual(found.slice(0, 4), [
    ["doctor.config.missing", "/etc/dragonfly/dfdaemon.yaml"],
    ["doctor.config.missing", "/etc/dragonfly/dfinit.yaml"],
    ["doctor.runtime.not_configured", "containerd"],
    ["doctor.mirror.unreachable", "127.0.0.1:4001"],
  ]);
  assert.equal(code, EXIT.failed);
});

Deno.test("of a dfdaemon.yaml that cannot be used the rest of the node is still looked at", async () => {
  const files = { "/etc/dragonfly/dfdaemon.yaml": UNUSABLE, "/etc/docker/daemon.json": "{}" };
  const { text } = await doctor(files, ["--json"]);
  const ids = JSON.parse(text).checks.map(({ id }: { id: string }) => id);
  assert.deepEqual(ids, ["doctor.config.invalid", "doctor.config.missing", "doctor.runtime.not_configured"]);
});

Deno.test("of a dfinit.yaml that cannot be used nothing more is concluded", async () => {
  const files = { "/etc/dragonfly/dfdaemon.yaml": UNUSABLE, "/etc/dragonfly/dfinit.yaml": UNUSABLE };
  const { text } = await doctor({ ...files, "/etc/containerd/config.toml": "version = 2\n" }, ["--json"]);
  const ids = JSON.parse(text).checks.map(({ id }: { id: string }) => id);
  assert.deepEqual(ids, ["doctor.config.invalid", "doctor.config.invalid"]);
});

Deno.test("a configuration is only called valid where nothing is wrong with it", async () => {
  const idsOf = async (yaml: string) => {
    const { text } = await doctor({ "/etc/dragonfly/dfdaemon.yaml": yaml }, ["--json"]);
    return JSON.parse(text).checks.map(({ id }: { id: string }) => id);
  };
  assert.ok((await idsOf("security: { enable: true }\n")).includes("doctor.config"));
  assert.ok(!(await idsOf("proxy: { rules: [] }\n")).includes("doctor.config"));
});

Deno.test("a node without a runtime is to be looked at, and no more", async () => {
  const { text, code } = await doctor({ "/etc/dragonfly/dfinit.yaml": "", "/etc/dragonfly/dfdaemon.yaml": UNUSABLE });
  assert.match(text, /warn +runtime +this node: no container runtime/);
  assert.equal(code, EXIT.failed);
});

Deno.test("keys without effect are told, and what dfdaemon would warn of", async () => {
  const files = { "/etc/dragonfly/dfdaemon.yaml": "security: { enable: true }\n" };
  const disk = await diskWith(files);
  const unreadable = wrappedDisk(disk, {
    readText: (path) =>
      path.startsWith("/etc/ssl/")
        ? Promise.reject(new DamselflyError("permission_denied", `Cannot read ${path}`))
        : disk.readText(path),
  });
  const { text } = await doctor(files, ["--json"], { disk: unreadable });
  const checks: { id: string; what: string }[] = JSON.parse(text).checks;
  assert.match(checks.find(({ id }) => id === "doctor.config.ignored")?.what ?? "", /security\.enable.*no effect/);
  assert.match(checks.find(({ id }) => id === "doctor.config.warned")?.what ?? "", /system's authorities/);
});

Deno.test("a machine without an address is told that it needs one", async () => {
  const { text } = await doctor({}, ["--json"], { localIps: () => [] });
  const said = JSON.parse(text).checks.find(({ id }: { id: string }) => id === "doctor.config.address");
  assert.match(said.mend, /host\.ip/);
});

Deno.test("the name of an image that cannot be read is found, and the rest is looked at all the same", async () => {
  const files = { "/etc/dragonfly/dfdaemon.yaml": UNUSABLE };
  const { text, code } = await doctor(files, ["--json", "--image", "NOT:AN:IMAGE"]);
  const checks = JSON.parse(text).checks;
  assert.ok(checks.some(({ id }: { id: string }) => id === "doctor.canary.image"));
  assert.equal(code, EXIT.failed);
});

Deno.test("a registry's password and that of the proxy are in no report", async () => {
  const yaml = "proxy: { server: { basicAuth: { username: me, password: hunter2 } } }\n";
  const { text } = await doctor({ "/etc/dragonfly/dfdaemon.yaml": yaml });
  assert.doesNotMatch(text, /hunter2|aHVudGVyMg|bWU6/);
});

Deno.test("colours are for a terminal on which NO_COLOR is not set", async () => {
  const files = { "/etc/dragonfly/dfdaemon.yaml": UNUSABLE };
  const [piped, shown, plain] = await Promise.all([
    doctor(files),
    doctor(files, [], {}, 120),
    doctor(files, [], { env: (name) => name === "NO_COLOR" ? "1" : undefined }, 120),
  ]);
  assert.deepEqual([piped, shown, plain].map(({ text }) => text.includes("\x1b")), [false, true, false]);
});

Deno.test("wrong use ends with 2, and help with 0", async () => {
  assert.equal((await doctor({}, ["--nope"])).code, EXIT.usage);
  assert.equal((await doctor({}, ["--help"])).code, EXIT.done);
});
