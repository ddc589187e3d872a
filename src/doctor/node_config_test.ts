import assert from "node:assert/strict";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DfinitConfig } from "../config/dfinit.ts";
import { parseConfig } from "../config/load.ts";
import { judgeNodeConfig } from "./node_config.ts";

/** What is said of the registries that dfinit was told of. */
function leftOut(proxy: object, containerRuntime: object): (string | undefined)[] {
  const facts = { isThere: true, warnings: [] };
  const outcomes = judgeNodeConfig({
    dfdaemon: { ...facts, path: "d", config: parseConfig(DfdaemonConfig, JSON.stringify({ proxy }), "d").config },
    dfinit: {
      ...facts,
      path: "i",
      config: parseConfig(DfinitConfig, JSON.stringify({ containerRuntime }), "i").config,
    },
  });
  return outcomes.filter(({ id }) => id === "doctor.config.not_allowed").map(({ mend }) => mend);
}

const containerd = (...addresses: string[]) => ({
  containerd: { registries: addresses.map((serverAddr, i) => ({ hostNamespace: `r${i}`, serverAddr })) },
});
const listOf = (...allowedRegistries: string[]) => ({ allowedRegistries });
const add = (name: string) => `add ${name} to proxy.allowedRegistries`;

Deno.test("a registry that dfinit was told of and that requests may not name is told, as it is to be written", () => {
  const runtimes = containerd("https://reg.corp:5000", "http://plain:5000", "https://docker.io");
  assert.deepEqual(leftOut(listOf("quay.io"), runtimes), [add("reg.corp:5000"), add("http://plain:5000")]);
  assert.deepEqual(leftOut(listOf("reg.corp:5000", "http://plain:5000"), runtimes), []);
  assert.deepEqual(leftOut({}, runtimes), [], "without a list any may be named");
});

Deno.test("registries of every runtime count, and those of the mirror's own table are allowed", () => {
  const row = (location: string) => ({ prefix: location, location });
  const podman = { podman: { registries: [row("quay.io/team"), row("reg.corp:5000")] } };
  assert.deepEqual(leftOut(listOf("ghcr.io"), podman), [add("quay.io"), add("reg.corp:5000")]);
  assert.deepEqual(leftOut(listOf("ghcr.io"), { crio: podman.podman, podman: podman.podman }).length, 2);
  assert.deepEqual(leftOut(listOf("ghcr.io"), { crio: { registries: [row("quay.io")] } }), [add("quay.io")]);
  const upstreams = [{ namespace: "reg.corp:5000", addr: "http://10.0.0.1:5000" }];
  assert.deepEqual(leftOut({ ...listOf("ghcr.io"), registryMirror: { upstreams } }, podman), [add("quay.io")]);
  assert.deepEqual(leftOut(listOf("ghcr.io"), { podman: { registries: [row("me@quay.io")] } }), []);
  const docker = { docker: { ca: "/ca.pem", registries: ["reg.corp:5000"] } };
  assert.deepEqual(leftOut(listOf("ghcr.io"), docker), [add("reg.corp:5000")]);
});
