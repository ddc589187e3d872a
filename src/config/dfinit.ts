import * as z from "zod";
import { choice, flag, httpUrl, list, path, section, text } from "./fields.ts";

const containerdRegistry = z.strictObject({
  hostNamespace: text("registry host").describe(
    "Registry as image names write it, such as docker.io or reg.corp:5000.",
  ),
  serverAddr: httpUrl().describe("URL of the registry itself, where pulls go when no peer answers."),
  capabilities: list(choice("pull", "resolve", "push"), 3).default(["pull", "resolve"]).describe(
    "What the runtime may do through the mirror.",
  ),
  skipVerify: flag().optional().describe("Do not check the certificate of the mirror."),
  ca: list(path(), 100).optional().describe("PEM files of authorities of the mirror's certificate."),
});

const containersRegistry = z.strictObject({
  prefix: text("registry host").describe("Prefix of image names that this entry is for."),
  location: text("registry host").describe("Registry, with its path if any, that holds those images."),
});

function registriesConf(reader: string) {
  return {
    configPath: path().default("/etc/containers/registries.conf").describe(
      `Configuration file of ${reader}; dfinit adds a file to the folder of the same name that ends in .d.`,
    ),
    unqualifiedSearchRegistries: list(text("registry host"), 100).optional().describe(
      "Registries that are searched for image names without one; left out, those of the node stay.",
    ),
    registries: list(containersRegistry).default([]).describe("Registries that are pulled from through the mirror."),
  };
}

/** Also the name of a folder, so it must be no path. */
const registryHost = () =>
  text("registry host").regex(/^[A-Za-z0-9[][A-Za-z0-9.:_\]-]*$/, "expected a registry as image names write it");

const docker = z.strictObject({
  configPath: path().default("/etc/docker/daemon.json").describe("Configuration file of Docker Engine."),
  proxy: choice("off", "daemon", "systemd").default("off").describe(
    "Make the mirror the HTTP proxy of Docker too, for registries other than Docker Hub: by its file, from Docker 23 on, or by systemd. There is no way around a proxy that is down.",
  ),
  noProxy: list(text("host"), 1000).default([]).describe("Hosts that Docker reaches without that proxy."),
  ca: path().optional().describe(
    "PEM file on this host that is proxy.server.caCert of dfdaemon: Docker is told to trust it for registries.",
  ),
  registries: list(registryHost()).default([]).describe(
    "Registries with TLS that Docker pulls from through that proxy; dfdaemon has to know them as upstreams, or by proxy.server.interceptHosts.",
  ),
}).refine(
  ({ ca, registries }) => (ca === undefined) === (registries.length === 0),
  "ca and registries belong together: write both, or none",
);

const containerRuntime = z.strictObject({
  containerd: z.strictObject({
    configPath: path().default("/etc/containerd/config.toml").describe(
      "Configuration file of containerd; that of k3s or RKE2 stands for its registries.yaml.",
    ),
    proxyAllRegistries: flag().default(true).describe(
      "Pull from registries that are not listed through the mirror too.",
    ),
    registries: list(containerdRegistry).default([]).describe("Registries that are pulled from through the mirror."),
  }).optional().describe("containerd."),
  docker: docker.optional().describe("Docker Engine."),
  crio: z.strictObject(registriesConf("CRI-O")).optional().describe("CRI-O."),
  podman: z.strictObject(registriesConf("Podman")).optional().describe("Podman."),
}).superRefine(({ containerd, docker, crio, podman }, context) => {
  if ([containerd, docker, crio, podman].every((runtime) => runtime === undefined)) {
    const message = "it names no runtime, write one of containerd, docker, crio and podman, such as containerd: {}";
    context.addIssue({ code: "custom", message });
  }
  const [one, other] = [crio?.unqualifiedSearchRegistries, podman?.unqualifiedSearchRegistries];
  if (crio?.configPath !== podman?.configPath || one === undefined || other === undefined) return;
  if (one.join() === other.join()) return;
  const message = "it is one file that crio and podman read, so they search the same registries: write the list once";
  context.addIssue({ code: "custom", path: ["podman", "unqualifiedSearchRegistries"], message });
});

/** Every key of dfinit's YAML (node-side.md §1.2). `containerRuntime` may name several; Dragonfly takes the first. */
export const DfinitConfig = z.strictObject({
  proxy: section({
    addr: httpUrl().default("http://127.0.0.1:4001").describe("URL of the peer's mirror, as the runtime reaches it."),
  }, "The mirror that the runtime will ask."),
  containerRuntime: containerRuntime.optional().describe(
    "The container runtimes to configure; left out, none is. Dragonfly takes only the first.",
  ),
  console: flag().default(true).describe("Log to standard output.").meta({
    ignored: "logs always go to standard output",
  }),
  verbose: flag().default(false).describe("Log more.").meta({ ignored: "use the command line to log more" }),
  log: section({
    level: choice("trace", "debug", "info", "warn", "error").default("info").describe("Least severe messages logged."),
  }, "Logs.").meta({ ignored: "use the command line to log more" }),
}).meta({ component: "dfinit", file: "/etc/dragonfly/dfinit.yaml" });
export type DfinitConfig = z.infer<typeof DfinitConfig>;
