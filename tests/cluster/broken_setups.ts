/** Ways to break a node, each with what the doctor has to say of it. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { managerSettings } from "../../src/cmd/local_cluster_settings.ts";
import { formatHostPort } from "../../src/config/addresses.ts";
import { parseConfig } from "../../src/config/load.ts";
import { ManagerConfig } from "../../src/config/manager.ts";
import { DamselflyError } from "../../src/core/error.ts";
import type { DoctorEffects } from "../../src/doctor/doctor.ts";
import type { FindingId } from "../../src/doctor/finding.ts";
import { startHttpServer } from "../../src/http/serve.ts";
import { startManager } from "../../src/manager/manager.ts";
import { startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realNet } from "../../src/runtime/real_net.ts";
import { openTlsFiles } from "../../src/runtime/tls_files.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { wrappedDisk } from "../../src/runtime/wrapped_disk.ts";
import type { Patient } from "./patient.ts";
import { MovableClock } from "./stage.ts";

const TESTDATA = join(import.meta.dirname ?? "", "../../dfinit/testdata");
const disk = realDisk(realRandom());
const clock = realClock();
/** A port on which nobody listens. */
export const NOBODY = 2;

/** What the doctor is called with besides. */
interface Broken {
  readonly args?: readonly string[];
  readonly effects?: Partial<DoctorEffects["runtime"]>;
}

/** A way to break a node, and what the doctor has to say then. */
export interface Case {
  readonly name: string;
  readonly id: FindingId;
  /** What the mend has to name: a key, a file or a command. */
  readonly mend: RegExp;
  /** Breaks the node. */
  readonly breaks: (
    patient: Patient,
    stack: AsyncDisposableStack,
  ) => Broken | void | Promise<Broken | void>;
}

/** Takes the node of `name` instead of a containerd that dfinit configured. */
async function useTestNode(patient: Patient, name: string, runtime: string, settings: object = {}): Promise<void> {
  cpSync(join(TESTDATA, name), patient.root, { recursive: true });
  await patient.configureDfinit({ [`containerRuntime.${runtime}`]: settings });
}

export const RUNTIME_CASES: readonly Case[] = [
  {
    name: "containerd was never told of the peer",
    id: "doctor.runtime.not_configured",
    mend: /^damselfly dfinit --config .*dfinit\.yaml --root \/.*$/,
    breaks: (patient) => {
      rmSync(patient.path("etc/containerd"), { recursive: true });
      cpSync(join(TESTDATA, "default_1_7"), patient.root, { recursive: true });
    },
  },
  {
    name: "no dfinit.yaml, and a containerd that knows nothing of the peer",
    id: "doctor.runtime.not_configured",
    mend: /dfinit\.yaml: containerRuntime: \{ containerd: \{\} \}.* damselfly dfinit/,
    breaks: async (patient) => {
      rmSync(patient.path("etc/containerd"), { recursive: true });
      cpSync(join(TESTDATA, "default_1_7"), patient.root, { recursive: true });
      await patient.configureDfinit({});
    },
  },
  {
    name: "somebody took the peer out of the registry's hosts.toml",
    id: "doctor.runtime.drifted",
    mend: /^damselfly dfinit/,
    breaks: (patient) => patient.write(patient.hostsToml, 'server = "http://reg.corp"\n'),
  },
  {
    name: "a registry has a hosts.toml of its own, without the peer",
    id: "doctor.runtime.bypassed",
    mend: /List it in containerRuntime\.containerd\.registries/,
    breaks: (patient) => patient.write("etc/containerd/certs.d/quay.io/hosts.toml", 'server = "https://quay.io"\n'),
  },
  {
    name: "another mirror is asked before the peer",
    id: "doctor.runtime.other_mirror_first",
    mend: /in front of the others in .*hosts\.toml/,
    breaks: (patient) => {
      const other = '[host."https://mirror.corp"]\n  capabilities = ["pull"]\n\n';
      const [top = "", ...rest] = patient.read(patient.hostsToml).split(/^(?=# damselfly: )/m);
      patient.write(patient.hostsToml, top + other + rest.join(""));
    },
  },
  {
    name: "dfinit sends the runtime to another port than that of dfdaemon",
    id: "doctor.runtime.wrong_address",
    mend: /proxy\.addr .* proxy\.server/,
    breaks: async (patient) => {
      await patient.configureDfinit({
        "proxy.addr": `http://${patient.stage.ip}:${NOBODY}`,
        "containerRuntime.containerd.registries": [patient.registryRow()],
      });
      await patient.dfinit();
    },
  },
  {
    name: "a hosts.toml that was written by hand names another port than that of dfdaemon",
    id: "doctor.runtime.wrong_address",
    mend: /write http:.* there instead/,
    breaks: async (patient) => {
      await patient.configureDfinit({});
      patient.write(patient.hostsToml, `[host."http://${patient.stage.ip}:${NOBODY}"]\n`);
    },
  },
  {
    name: "containerd runs since before dfinit edited its configuration",
    id: "doctor.runtime.restart_owed",
    mend: /^systemctl restart containerd$/,
    breaks: (patient) => patient.touch("run/containerd/containerd.sock", -60_000),
  },
  {
    name: "containerd runs since before somebody edited its configuration",
    id: "doctor.runtime.restart_unsure",
    mend: /^systemctl restart containerd$/,
    breaks: (patient) => {
      patient.touch("run/containerd/containerd.sock", -60_000);
      patient.write("etc/containerd/config.toml", `${patient.read("etc/containerd/config.toml")}\n# by hand\n`);
    },
  },
  {
    name: "containerd reads the file as version 1, and the table that dfinit would edit does not count",
    id: "doctor.runtime.unreadable",
    mend: /version = 2/,
    breaks: (patient) => useTestNode(patient, "no_version", "containerd"),
  },
  {
    name: "on containerd 1.x the table of containerd 2 does not count",
    id: "doctor.runtime.warning",
    mend: /./,
    breaks: (patient) => useTestNode(patient, "both_plugin_ids", "containerd"),
  },
  {
    name: "a hosts.toml that containerd cannot read",
    id: "doctor.runtime.unreadable",
    mend: /Repair or remove the file/,
    breaks: (patient) => patient.write(patient.hostsToml, "server = \n"),
  },
  {
    name: "Docker's daemon.json has no mirror",
    id: "doctor.runtime.not_configured",
    mend: /^damselfly dfinit/,
    breaks: (patient) => useTestNode(patient, "docker_package", "docker"),
  },
  {
    name: "CRI-O is told of no registry",
    id: "doctor.runtime.bypassed",
    mend: /pulled from through the peer/,
    breaks: (patient) => patient.configureDfinit({ "containerRuntime.crio": {} }),
  },
  {
    name: "a drop-in that CRI-O reads later has the same registry",
    id: "doctor.runtime.bypassed",
    mend: /earlier in the alphabet/,
    breaks: async (patient) => {
      const row = { prefix: "quay.io", location: "quay.io" };
      await patient.configureDfinit({ "containerRuntime.crio.registries": [row] });
      patient.write("etc/containers/registries.conf.d/99-z.conf", '[[registry]]\nprefix = "quay.io"\n');
    },
  },
];

/** Makes the node one with k3s or RKE2, which dfinit has configured, and which started since. */
async function useK3s(patient: Patient, name: "k3s" | "rke2", files: Readonly<Record<string, string>> = {}) {
  rmSync(patient.path("etc/containerd"), { recursive: true });
  patient.write(`${generated(name)}/config.toml`, "version = 3\n");
  for (const [path, text] of Object.entries(files)) patient.write(path, text);
  await patient.configureDfinit({ "containerRuntime.containerd": {} });
  await patient.dfinit();
  patient.touch(K3S_START_MARK, 60_000);
}

function generated(name: "k3s" | "rke2"): string {
  return `var/lib/rancher/${name}/agent/etc/containerd`;
}

const K3S_START_MARK = "run/k3s/containerd/containerd.sock";
const UNITS = "etc/systemd/system/multi-user.target.wants";

export const K3S_CASES: readonly Case[] = [
  {
    name: "k3s was never told of the peer",
    id: "doctor.runtime.not_configured",
    mend: /^damselfly dfinit --config .*dfinit\.yaml --root \/.*$/,
    breaks: async (patient) => {
      patient.write(`${generated("k3s")}/config.toml`, "version = 3\n");
      await patient.configureDfinit({ "containerRuntime.containerd.configPath": `/${generated("k3s")}/config.toml` });
    },
  },
  {
    name: "no dfinit.yaml, and a k3s that knows nothing of the peer",
    id: "doctor.runtime.not_configured",
    mend: /dfinit\.yaml: containerRuntime: \{ containerd: \{\} \}.* damselfly dfinit/,
    breaks: async (patient) => {
      rmSync(patient.path("etc/containerd"), { recursive: true });
      patient.write(`${generated("k3s")}/config.toml`, "version = 3\n");
      await patient.configureDfinit({});
    },
  },
  {
    name: "k3s runs since before dfinit edited registries.yaml",
    id: "doctor.runtime.restart_owed",
    mend: /^systemctl restart k3s$/,
    breaks: async (patient) => {
      await useK3s(patient, "k3s");
      patient.touch(K3S_START_MARK, -60_000);
    },
  },
  {
    name: "an agent of RKE2 runs since before somebody edited registries.yaml",
    id: "doctor.runtime.restart_unsure",
    mend: /^systemctl restart rke2-agent$/,
    breaks: async (patient) => {
      await useK3s(patient, "rke2", { [`${UNITS}/rke2-agent.service`]: "" });
      patient.touch(K3S_START_MARK, -60_000);
      const path = "etc/rancher/rke2/registries.yaml";
      patient.write(path, `${patient.read(path)}# by hand\n`);
    },
  },
  {
    name: "somebody took the peer out of registries.yaml of RKE2",
    id: "doctor.runtime.drifted",
    mend: /^damselfly dfinit/,
    breaks: async (patient) => {
      await useK3s(patient, "rke2");
      patient.write("etc/rancher/rke2/registries.yaml", "mirrors: {}\n");
    },
  },
  {
    name: "k3s was told to read another registries.yaml",
    id: "doctor.runtime.not_configured",
    mend: /^damselfly dfinit/,
    breaks: async (patient) => {
      await useK3s(patient, "k3s");
      patient.write("etc/rancher/k3s/config.yaml.d/5-registries.yaml", "private-registry: /etc/other.yaml\n");
    },
  },
  {
    name: "registries.yaml is none",
    id: "doctor.runtime.unreadable",
    mend: /k3s and rke2 cannot read it either/,
    breaks: async (patient) => {
      await useK3s(patient, "k3s");
      patient.write("etc/rancher/k3s/registries.yaml", "mirrors: [\n");
    },
  },
  {
    name: "a mirror of k3s has a rewrite, after which the peer could not tell the image",
    id: "doctor.runtime.bypassed",
    mend: /remove the rewrite/,
    breaks: (patient) =>
      useK3s(patient, "k3s", {
        "etc/rancher/k3s/registries.yaml":
          'mirrors:\n  quay.io:\n    endpoint: ["https://mirror.corp"]\n    rewrite: { "^(.*)$": "quay/$1" }\n',
      }),
  },
  {
    name: "a template of k3s takes registries.yaml out of containerd's configuration",
    id: "doctor.runtime.bypassed",
    mend: /template "base"/,
    breaks: (patient) => useK3s(patient, "k3s", { [`${generated("k3s")}/config.toml.tmpl`]: "version = 2\n" }),
  },
  {
    name: "k3s has no way around a peer that is down",
    id: "doctor.runtime.warning",
    mend: /./,
    breaks: (patient) =>
      useK3s(patient, "k3s", { "etc/rancher/k3s/config.yaml": "disable-default-registry-endpoint: true\n" }),
  },
];

/** An error as a read-only volume gives it. */
function readOnly(path: string): Promise<never> {
  const cause = new Error("EROFS: read-only file system");
  return Promise.reject(new DamselflyError("internal", `Cannot write ${path}: ${cause.message}`, { cause }));
}

export const NODE_CASES: readonly Case[] = [
  {
    name: "dfdaemon.yaml has a key that there is not",
    id: "doctor.config.invalid",
    mend: /dfdaemon does not start/,
    breaks: (patient) => patient.write("dfdaemon.yaml", "proxy: { sever: { port: 4001 } }\n"),
  },
  {
    name: "no rule sends blobs to the swarm",
    id: "doctor.config.no_rule",
    mend: /proxy\.rules.*blobs\/sha256/,
    breaks: (patient) => patient.configureDfdaemon({ "proxy.rules": [] }),
  },
  {
    name: "a file of TLS is not there",
    id: "doctor.config.tls",
    mend: /caCert, cert and key/,
    breaks: (patient) =>
      patient.configureDfdaemon({ "manager.caCert": "/no", "manager.cert": "/no", "manager.key": "/no" }),
  },
  {
    name: "another program has the port of the mirror",
    id: "doctor.mirror.not_ours",
    mend: /proxy\.server\.port/,
    breaks: async (patient, stack) => {
      const server = stack.use(startHttpServer({
        ...{ listen: { hostname: patient.stage.ip, port: 0 }, clock, net: realNet(), onError() {} },
        handler: () => new Response(null, { headers: { server: "nginx" } }),
      }));
      await patient.configureDfdaemon({ "proxy.server.port": server.port });
    },
  },
  {
    name: "runtimes are to speak TLS with the mirror",
    id: "doctor.mirror.no_tls",
    mend: /proxy\.addr.* http:\/\//,
    breaks: (patient) =>
      patient.configureDfinit({
        "proxy.addr": patient.node.mirror.replace("http:", "https:"),
        "containerRuntime.containerd.registries": [patient.registryRow()],
      }),
  },
  {
    name: "dfdaemon is not ready",
    id: "doctor.daemon.not_ready",
    mend: /journalctl/,
    breaks: async (patient, stack) => {
      const server = stack.use(startHttpServer({
        ...{ listen: { hostname: patient.stage.ip, port: 0 }, clock, net: realNet(), onError() {} },
        handler: () => new Response(null, { status: 503 }),
      }));
      await patient.configureDfdaemon({ "health.server.port": server.port });
    },
  },
  {
    name: "nobody counts",
    id: "doctor.daemon.metrics_unreachable",
    mend: /metrics\.server/,
    breaks: (patient) => patient.configureDfdaemon({ "metrics.server.port": NOBODY }),
  },
  {
    name: "the socket for dfget is not there",
    id: "doctor.daemon.socket_unreachable",
    mend: /download\.server\.socketPath/,
    breaks: (patient) => patient.configureDfdaemon({ "download.server.socketPath": "/nowhere/dfdaemon.sock" }),
  },
  {
    name: "this host does not reach its own port for peers",
    id: "doctor.peers.upload_unreachable",
    mend: /host\.ip.*upload\.server\.port/,
    breaks: (patient) => patient.configureDfdaemon({ "upload.server.port": NOBODY }),
  },
  {
    name: "this host does not reach its own piece server",
    id: "doctor.peers.pieces_unreachable",
    mend: /host\.ip.*storage\.server\.tcpPort/,
    breaks: (patient) => patient.configureDfdaemon({ "storage.server.tcpPort": NOBODY }),
  },
  {
    name: "storage.dir is not there",
    id: "doctor.disk.missing",
    mend: /dfdaemon/,
    breaks: (patient) => patient.configureDfdaemon({ "storage.dir": "/nowhere/at/all" }),
  },
  {
    name: "storage.dir is on a read-only volume",
    id: "doctor.disk.read_only",
    mend: /mount it writable.*storage\.dir/,
    breaks: () => ({ effects: { disk: wrappedDisk(disk, { writeTextAtomic: readOnly }) } }),
  },
  {
    name: "the volume of storage.dir is full",
    id: "doctor.disk.full",
    mend: /make room/,
    breaks: () => {
      const space = () => Promise.resolve({ totalBytes: 1e12, freeBytes: 1e6 });
      return { effects: { disk: wrappedDisk(disk, { space }) } };
    },
  },
  {
    name: "the volume of storage.dir has no inodes left",
    id: "doctor.disk.full",
    mend: /make room/,
    breaks: () => {
      const refuse = () => Promise.reject(new DamselflyError("no_space", "Cannot write: ENOSPC"));
      return { effects: { disk: wrappedDisk(disk, { writeTextAtomic: refuse }) } };
    },
  },
  {
    name: "there may be more content than the volume holds",
    id: "doctor.disk.quota",
    mend: /gc\.policy\.diskThreshold/,
    breaks: (patient) => patient.configureDfdaemon({ "gc.policy.diskThreshold": "900TiB" }),
  },
  {
    name: "the clock of this host is wrong",
    id: "doctor.clock.skew",
    mend: /timesyncd|chrony/,
    breaks: () => {
      const ahead = new MovableClock();
      ahead.forward(10 * 60_000);
      return { effects: { clock: ahead } };
    },
  },
];

/** A registry in TLS whose authority nobody knows. */
export async function tlsRegistry(stack: AsyncDisposableStack) {
  const tls = stack.use(await openTlsFiles(testCertificates("a"), testRuntime({ disk, clock })));
  return stack.use(startSampleRegistry({ clock, images: [], tls }));
}

/** `proxy.registryMirror.upstreams` with one row. */
export function upstream(namespace: string, addr: string) {
  return { "proxy.registryMirror.upstreams": [{ namespace, addr }] };
}

export const REGISTRY_CASES: readonly Case[] = [
  {
    name: "a registry has a certificate of an authority that nobody knows",
    id: "doctor.registry.certificate",
    mend: /ca of its row in proxy\.registryMirror\.upstreams/,
    breaks: async (patient, stack) => {
      const { namespace, url } = await tlsRegistry(stack);
      await patient.configureDfdaemon(upstream(namespace, url));
    },
  },
  {
    name: "a registry that is taken to have TLS has none",
    id: "doctor.registry.plain_http",
    mend: /proxy\.registryMirror\.upstreams.*addr: http:/,
    breaks: async (patient) => {
      const { namespace } = patient.stage.registry;
      await patient.configureDfdaemon({ ...upstream("reg.corp", `https://${namespace}`) });
    },
  },
  {
    name: "a registry that is taken to have no TLS has it",
    id: "doctor.registry.tls_expected",
    mend: /proxy\.registryMirror\.upstreams.*addr: https:/,
    breaks: async (patient, stack) => {
      const server = stack.use(startHttpServer({
        ...{ listen: { hostname: patient.stage.ip, port: 0 }, clock, net: realNet(), onError() {} },
        handler: () => new Response("Client sent an HTTP request to an HTTPS server.\n", { status: 400 }),
      }));
      await patient.configureDfdaemon(upstream("reg.corp", `http://${patient.stage.ip}:${server.port}`));
    },
  },
  {
    name: "the name of a registry has no address",
    id: "doctor.registry.name",
    mend: /name servers|addr of its row/,
    breaks: (patient) => patient.configureDfdaemon(upstream("reg.invalid", "https://reg.invalid")),
  },
  {
    name: "a registry does not answer",
    id: "doctor.registry.unreachable",
    mend: /whether this host reaches it/,
    breaks: (patient) => patient.configureDfdaemon(upstream("reg.corp", `http://${patient.stage.ip}:${NOBODY}`)),
  },
  {
    name: "a registry is on a port that nobody asks",
    id: "doctor.registry.port",
    mend: /another one as addr/,
    breaks: (patient) => patient.configureDfdaemon(upstream("reg.corp", `http://${patient.stage.ip}:9`)),
  },
  {
    name: "a registry is in a network that the configuration denies",
    id: "doctor.registry.forbidden",
    mend: /if it is a registry, name it in proxy\.registryMirror\.upstreams/,
    breaks: async (patient) => {
      const registries = [{ hostNamespace: "127.0.0.9:5000", serverAddr: "http://127.0.0.9:5000" }];
      await patient.configureDfinit({ "containerRuntime.containerd.registries": registries });
      await patient.configureDfdaemon({ "security.deniedNetworks": ["127.0.0.9"] });
    },
  },
  {
    name: "what is named as a registry is none",
    id: "doctor.registry.not_a_registry",
    mend: /upstreams/,
    breaks: async (patient, stack) => {
      const server = stack.use(startHttpServer({
        ...{ listen: { hostname: patient.stage.ip, port: 0 }, clock, net: realNet(), onError() {} },
        handler: () => new Response("<html>", { status: 404 }),
      }));
      await patient.configureDfdaemon(upstream("reg.corp", `http://${patient.stage.ip}:${server.port}`));
    },
  },
  {
    name: "the file of authorities for all registries is not there",
    id: "doctor.registry.trust",
    mend: /proxy\.registryMirror\.cert/,
    breaks: (patient) => patient.configureDfdaemon({ "proxy.registryMirror.cert": "/nowhere/ca.pem" }),
  },
];

export const CONTROL_CASES: readonly Case[] = [
  {
    name: "the manager does not answer",
    id: "doctor.manager.unreachable",
    mend: /manager\.addr/,
    breaks: (patient) => patient.configureDfdaemon({ "manager.addr": `http://${patient.stage.ip}:${NOBODY}` }),
  },
  {
    name: "the name of the manager has no address",
    id: "doctor.manager.name",
    mend: /manager\.addr/,
    breaks: (patient) => patient.configureDfdaemon({ "manager.addr": "http://manager.invalid:65003" }),
  },
  {
    name: "the manager has no TLS, and is asked with it",
    id: "doctor.manager.tls",
    mend: /manager\.caCert/,
    breaks: async (patient) => {
      const { caCert, cert, key } = testCertificates("a");
      const addr = `https://${formatHostPort(patient.stage.manager.it.grpc)}`;
      await patient.configureDfdaemon({
        "manager.addr": addr,
        ...{ "manager.caCert": caCert, "manager.cert": cert, "manager.key": key },
      });
    },
  },
  {
    name: "the manager's clock is wrong, and the registries' are not",
    id: "doctor.clock.manager_skew",
    mend: /on its host: systemctl .*timesyncd/,
    breaks: (patient) => {
      const date = new Date(clock.wallMs() - 10 * 60_000).toUTCString();
      const manager = `http://${patient.stage.ip}:8080/healthy`;
      const tellsTime: typeof fetch = async (input, init) => {
        return String(input) === manager ? new Response(null, { headers: { date } }) : await fetch(input, init);
      };
      return { effects: { fetch: tellsTime } };
    },
  },
  {
    name: "the cluster that this host is to join is not there",
    id: "doctor.cluster.unknown",
    mend: /host\.schedulerClusterID/,
    breaks: (patient) => patient.configureDfdaemon({ "host.schedulerClusterID": 4711 }),
  },
  {
    name: "the manager has no scheduler for this host",
    id: "doctor.schedulers.none",
    mend: /start a scheduler/,
    breaks: async (patient, stack) => {
      const settings = managerSettings({ dir: patient.root, ip: patient.stage.ip, grpcPort: 0, restPort: 0 });
      const config = parseConfig(ManagerConfig, "", "manager", settings).config;
      const manager = stack.use(await startManager(config, testRuntime({ disk, clock })));
      await patient.configureDfdaemon({ "manager.addr": formatHostPort(manager.grpc) });
    },
  },
  {
    name: "without a manager, the local file names a scheduler that does not answer",
    id: "doctor.schedulers.unhealthy",
    mend: /start it/,
    breaks: async (patient) => {
      await patient.configureDfdaemon({ "manager.addr": undefined });
      patient.write("dynconfig.yaml", `scheduler: { addrs: ["${patient.stage.ip}:${NOBODY}"] }\n`);
      return { args: ["--dynconfig", patient.path("dynconfig.yaml")] };
    },
  },
  {
    name: "without a manager, the local file cannot be read",
    id: "doctor.manager.dynconfig",
    mend: /correct/,
    breaks: async (patient) => {
      await patient.configureDfdaemon({ "manager.addr": undefined });
      patient.write("dynconfig.yaml", "schedulers: []\n");
      return { args: ["--dynconfig", patient.path("dynconfig.yaml")] };
    },
  },
  {
    name: "the scheduler knows this host by another name",
    id: "doctor.schedulers.host_unknown",
    mend: /host\.hostname/,
    breaks: (patient) => patient.configureDfdaemon({ "host.hostname": "renamed-since" }),
  },
];
