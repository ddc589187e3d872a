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

function registriesConf() {
  return {
    configPath: path().default("/etc/containers/registries.conf").describe(
      "Configuration file of the runtime, which dfinit refuses so far.",
    ),
    unqualifiedSearchRegistries: list(text("registry host"), 100).default([
      "registry.fedoraproject.org",
      "registry.access.redhat.com",
      "docker.io",
    ]).describe("Registries that are searched for image names without one."),
    registries: list(containersRegistry).default([]).describe("Registries that are pulled from through the mirror."),
  };
}

const containerRuntime = z.strictObject({
  containerd: z.strictObject({
    configPath: path().default("/etc/containerd/config.toml").describe("Configuration file of containerd."),
    proxyAllRegistries: flag().default(true).describe(
      "Pull from registries that are not listed through the mirror too.",
    ),
    registries: list(containerdRegistry).default([]).describe("Registries that are pulled from through the mirror."),
  }).optional().describe("containerd."),
  docker: z.strictObject({
    configPath: path().default("/etc/docker/daemon.json").describe(
      "Configuration file of Docker Engine, which dfinit refuses so far.",
    ),
  }).optional().describe("Docker Engine."),
  crio: z.strictObject(registriesConf()).optional().describe("CRI-O."),
  podman: z.strictObject(registriesConf()).optional().describe("Podman."),
}).superRefine((runtimes, context) => {
  const names = Object.entries(runtimes).filter(([, value]) => value !== undefined).map(([name]) => name);
  if (names.length === 1) return;
  const message = names.length === 0
    ? "it names no runtime, write one of containerd, docker, crio and podman, such as containerd: {}"
    : `it names ${names.join(" and ")}, keep one of them and remove the others or set them to null`;
  context.addIssue({ code: "custom", message });
});

/** Every key of dfinit's YAML (node-side.md §1.2). `containerRuntime`, when present, holds exactly one runtime. */
export const DfinitConfig = z.strictObject({
  proxy: section({
    addr: httpUrl().default("http://127.0.0.1:4001").describe("URL of the peer's mirror, as the runtime reaches it."),
  }, "The mirror that the runtime will ask."),
  containerRuntime: containerRuntime.optional().describe("The one container runtime to configure; left out, none is."),
  console: flag().default(true).describe("Log to standard output.").meta({
    ignored: "logs always go to standard output",
  }),
  verbose: flag().default(false).describe("Log more.").meta({ ignored: "use the command line to log more" }),
  log: section({
    level: choice("trace", "debug", "info", "warn", "error").default("info").describe("Least severe messages logged."),
  }, "Logs.").meta({ ignored: "use the command line to log more" }),
}).meta({ component: "dfinit", file: "/etc/dragonfly/dfinit.yaml" });
export type DfinitConfig = z.infer<typeof DfinitConfig>;
