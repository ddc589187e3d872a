import assert from "node:assert/strict";
import { DfinitConfig } from "../src/config/dfinit.ts";
import { parseConfig } from "../src/config/load.ts";
import { diskWith } from "../src/testing/memory_files.ts";
import { HostFiles } from "./host_files.ts";
import { runtimesOf } from "./node.ts";
import { RefusalError } from "./plan.ts";
import type { Route } from "./runtimes/route.ts";

const PEER = "http://127.0.0.1:4001";
const CERTS = "/etc/containerd/certs.d";

/** Whom the runtime `kind` of a node asks, by registry. */
async function routes(
  kind: string,
  files: Readonly<Record<string, string>>,
  registries: readonly string[] = [],
): Promise<Record<string, readonly string[]>> {
  const found = await allRoutes(kind, files, registries);
  return Object.fromEntries(found.map(({ registry, hosts }) => [registry, hosts]));
}

async function allRoutes(
  kind: string,
  files: Readonly<Record<string, string>>,
  registries: readonly string[] = [],
): Promise<readonly Route[]> {
  const config = parseConfig(DfinitConfig, "", "dfinit.yaml", { [`containerRuntime.${kind}`]: {} }).config;
  const [runtime] = await runtimesOf(config, { mayCreateConfig: false }, new HostFiles(await diskWith(files), "/"));
  return await runtime?.routes(registries) ?? [];
}

const CONTAINERD = {
  "/etc/containerd/config.toml":
    `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "${CERTS}"\n`,
};

Deno.test("containerd asks the hosts of a registry's own hosts.toml in their order, and else those of _default", async () => {
  const found = await routes("containerd", {
    ...CONTAINERD,
    [`${CERTS}/quay.io/hosts.toml`]: `[host."https://first"]\n[host."${PEER}"]\n`,
    [`${CERTS}/_default/hosts.toml`]: `[host."${PEER}"]\n`,
    [`${CERTS}/reg_5000_/hosts.toml`]: 'server = "https://reg:5000"\n',
    [`${CERTS}/bare/ca.crt`]: "",
  }, ["docker.io"]);
  assert.deepEqual(found, {
    "docker.io": [PEER],
    "quay.io": ["https://first", PEER],
    "reg:5000": [],
    "bare": [],
  });
});

Deno.test("hosts that lack what a hosts.toml says of TLS with the registry are told", async () => {
  const lacking = async (top: string, host: string) => {
    const path = `${CERTS}/reg/hosts.toml`;
    const found = await allRoutes("containerd", { ...CONTAINERD, [path]: `${top}\n[host."${PEER}"]\n${host}\n` });
    return found.find(({ registry }) => registry === "reg")?.lackingTls;
  };
  assert.deepEqual(await lacking('ca = "/ca.pem"', ""), [PEER]);
  assert.deepEqual(await lacking('ca = "/ca.pem"\nskip_verify = true', 'ca = "/ca.pem"'), [PEER]);
  assert.deepEqual(await lacking('client = ["/c", "/k"]', ""), [PEER]);
  assert.deepEqual(await lacking('ca = "/ca.pem"', 'ca = "/ca.pem"'), []);
  assert.deepEqual(await lacking('server = "http://reg"\nca = "/ca.pem"', ""), []);
  assert.deepEqual(await lacking("skip_verify = false", ""), []);
});

Deno.test("containerd without config_path asks what registry.mirrors says", async () => {
  const table = 'plugins."io.containerd.grpc.v1.cri".registry.mirrors';
  const found = await routes("containerd", {
    "/etc/containerd/config.toml":
      `version = 2\n[${table}."quay.io"]\nendpoint = ["${PEER}"]\n[${table}."*"]\nendpoint = ["https://all"]\n`,
  }, ["quay.io", "docker.io"]);
  assert.deepEqual(found, { "quay.io": [PEER], "docker.io": ["https://all"] });
});

Deno.test("a hosts.toml that containerd cannot read is refused, for it says nothing", async () => {
  const files = { ...CONTAINERD, [`${CERTS}/quay.io/hosts.toml`]: "server = \n" };
  await assert.rejects(routes("containerd", files), RefusalError);
});

Deno.test("k3s asks the endpoints of a registry's mirror, and else those of *", async () => {
  const found = await routes("containerd", {
    "/var/lib/rancher/k3s/agent/etc/containerd/config.toml": "version = 2\n",
    "/etc/rancher/k3s/registries.yaml":
      `mirrors: { quay.io: { endpoint: ["https://m", "${PEER}"] }, "*": { endpoint: ["${PEER}"] } }\n`,
  }, ["docker.io"]);
  assert.deepEqual(found, { "docker.io": [PEER], "quay.io": ["https://m", PEER] });
});

Deno.test("CRI-O and Podman ask the mirrors of the entry with the longest prefix, of the file that is read last", async () => {
  const folder = "/etc/containers/registries.conf";
  const mirror = (location: string) => `[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`;
  const found = await routes("crio", {
    [folder]: `[[registry]]\nprefix = "quay.io"\n${mirror("old")}`,
    [`${folder}.d/99-damselfly.conf`]: `[[registry]]\nprefix = "quay.io"\n${mirror("127.0.0.1:4001/quay.io")}`,
  }, ["quay.io/team", "docker.io"]);
  const peer = `${PEER}/quay.io`;
  assert.deepEqual(found, { "quay.io": [peer], "quay.io/team": [peer], "docker.io": [] });
});

Deno.test("Docker asks its mirrors for Docker Hub", async () => {
  const files = { "/etc/docker/daemon.json": `{ "registry-mirrors": ["https://m", "${PEER}"] }` };
  assert.deepEqual(await routes("docker", files, ["quay.io"]), { "docker.io": ["https://m", PEER] });
});
