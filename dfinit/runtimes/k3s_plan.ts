import { dirname, join } from "node:path/posix";
import { isDefaultServer } from "./containerd_hosts.ts";
import type { HostFiles } from "../host_files.ts";
import { type Bypass, type Plan, planning, refusing } from "../plan.ts";
import { parseYamlTable, prependYaml, removeYaml } from "../yaml_edit.ts";
import type { ContainerdConfig } from "./containerd_plan.ts";
import { k3sSettings } from "./k3s_settings.ts";
import type { Route } from "./route.ts";

/** The mirror of registries without an entry of their own. */
const ALL = "*";

const REPAIR = "Repair the file, k3s and rke2 cannot read it either";

/** k3s or RKE2: they write containerd's configuration themselves, and take mirrors from a file of their own. */
export interface K3s {
  readonly name: "k3s" | "rke2";
  /** Where the configuration that it generates is. */
  readonly generated: string;
}

/** What `registries.yaml` says of one registry. */
interface MirrorEntry {
  readonly endpoints: readonly string[];
  readonly hasRewrite: boolean;
}

function k3sAt(configPath: string): K3s | undefined {
  const name = /\/(k3s|rke2)\/agent\/etc\/containerd\//.exec(configPath)?.[1];
  return name === "k3s" || name === "rke2" ? { name, generated: configPath } : undefined;
}

/** Where its `registries.yaml` is: it may have been told another place. */
export async function registriesYaml(k3s: K3s, files: HostFiles): Promise<string> {
  const path = (await k3sSettings(k3s, files)).get("private-registry")?.value;
  return typeof path === "string" && path.startsWith("/") ? path : `/etc/rancher/${k3s.name}/registries.yaml`;
}

/**
 * Plans a node with k3s or RKE2: the peer becomes the first endpoint of each mirror in `registries.yaml`, and of `*`.
 * `previous` is the peer's address of an earlier run. Reads, and writes nothing.
 */
export function planK3s(
  k3s: K3s,
  config: ContainerdConfig,
  { mirror, previous }: { readonly mirror: string; readonly previous: string | undefined },
  files: HostFiles,
): Promise<Plan> {
  return planning(async () => {
    const path = await registriesYaml(k3s, files);
    const before = await files.read(path);
    const present = refusing(path, REPAIR, () => mirrorsIn(before ?? ""));
    const wanted = [
      ...config.registries.map(({ hostNamespace }) => hostNamespace),
      ...(config.proxyAllRegistries ? [ALL, ...present.keys()] : []),
    ];
    const isRewritten = (name: string) => present.get(name)?.hasRewrite === true;
    const names = [...new Set(wanted)].filter((name) => !isRewritten(name));
    const after = refusing(path, "Write these mirrors by hand, and run dfinit again", () => {
      const stale = previous === undefined || previous === mirror ? [] : [previous];
      const text = stale.reduce((out, url) => withoutPeer(out, url, undefined), before ?? "");
      return names.reduce((out, name) => withPeerFirst(out, name, mirror), text);
    });
    const isSame = (before ?? "") === after;
    return {
      changes: isSame ? [] : [{ path, before, after, why: `pulls from ${names.join(", ")} go to ${mirror} first` }],
      unchanged: isSame && before !== undefined ? [path] : [],
      refusals: [],
      warnings: [...registryWarnings(config), ...await settingWarnings(k3s, files)],
      bypassed: [
        ...[...present].filter(([name]) => wanted.includes(name) && isRewritten(name)).map(([registry]) => ({
          registry,
          reason: `${path}: ${registry} has a rewrite, after which the peer could not tell which image is meant`,
          todo: "Let the mirror behind it serve the names as they are, and remove the rewrite",
        })),
        ...await templateBypasses(k3s, files),
      ],
    };
  });
}

/** Whom k3s or RKE2 asks for images of `registries`, and of those in `registries.yaml`. */
export async function k3sRoutes(k3s: K3s, registries: readonly string[], files: HostFiles): Promise<Route[]> {
  const path = await registriesYaml(k3s, files);
  const text = await files.read(path) ?? "";
  const present = refusing(path, REPAIR, () => mirrorsIn(text));
  const names = new Set([...registries, ...[...present.keys()].filter((name) => name !== ALL)]);
  return [...names].map((registry) => {
    return { registry, path, hosts: (present.get(registry) ?? present.get(ALL))?.endpoints ?? [] };
  });
}

/** `registries.yaml` without the peer at `mirror`; entries that were not in `original` go when nothing else is left. */
export function withoutPeer(text: string, mirror: string, original: string | undefined): string {
  const before = original === undefined ? {} : parseYamlTable(original);
  const wasThere = ([top = "", name]: readonly string[]) => {
    const mirrors = before[top];
    return name === undefined ? mirrors !== undefined : isTable(mirrors) && mirrors[name] !== undefined;
  };
  const had = mirrorsIn(original ?? "");
  const without = [...mirrorsIn(text)].filter(([name, { endpoints }]) =>
    endpoints.includes(mirror) && had.get(name)?.endpoints.includes(mirror) !== true
  ).reduce((out, [name]) => removeYaml(out, ["mirrors", name, "endpoint"], mirror, wasThere), text);
  return original === undefined && isBlank(without) ? "" : without;
}

function isBlank(text: string): boolean {
  return !text.includes("#") && Object.keys(parseYamlTable(text)).length === 0;
}

function withPeerFirst(text: string, name: string, mirror: string): string {
  const endpoints = mirrorsIn(text).get(name)?.endpoints ?? [];
  if (endpoints[0] === mirror) return text;
  const path = ["mirrors", name, "endpoint"];
  return prependYaml(endpoints.includes(mirror) ? removeYaml(text, path, mirror, () => true) : text, path, mirror);
}

function mirrorsIn(text: string): ReadonlyMap<string, MirrorEntry> {
  const mirrors = parseYamlTable(text)["mirrors"] ?? {};
  return new Map(
    Object.entries(isTable(mirrors) ? mirrors : {}).map(([name, value]) => {
      const entry = isTable(value) ? value : {};
      const endpoints = Array.isArray(entry["endpoint"]) ? entry["endpoint"].map(String) : [];
      const hasRewrite = isTable(entry["rewrite"]) && Object.keys(entry["rewrite"]).length > 0;
      return [name, { endpoints, hasRewrite }];
    }),
  );
}

/** What a `hosts.toml` can say and this file cannot. */
function registryWarnings({ registries }: ContainerdConfig): string[] {
  return registries.flatMap(({ hostNamespace, serverAddr, capabilities, skipVerify, ca }) => [
    ...(isDefaultServer(hostNamespace, serverAddr) ? [] : [
      `${hostNamespace}: registries.yaml cannot tell the peer that it is at ${serverAddr}: write that in ` +
      "proxy.registryMirror.upstreams of dfdaemon.yaml",
    ]),
    ...(capabilities.includes("pull") && capabilities.includes("resolve")
      ? []
      : [`${hostNamespace}: registries.yaml has no capabilities, so the peer is asked for tags and contents`]),
    ...(skipVerify === true || ca !== undefined
      ? [`${hostNamespace}: skipVerify and ca go to configs of registries.yaml and to dfdaemon.yaml by hand`]
      : []),
  ]);
}

async function settingWarnings(k3s: K3s, files: HostFiles): Promise<string[]> {
  const said = (await k3sSettings(k3s, files)).get("disable-default-registry-endpoint");
  if (said === undefined || `${said.value}` !== "true") return [];
  return [
    `${said.path}: with disable-default-registry-endpoint nothing is pulled while the peer does not answer, unless ` +
    "another endpoint is listed",
  ];
}

/** A template that somebody wrote replaces what is generated; then `registries.yaml` counts only if it says so. */
async function templateBypasses({ name, generated }: K3s, files: HostFiles): Promise<Bypass[]> {
  const names = ["config.toml.tmpl", "config-v3.toml.tmpl"].map((file) => join(dirname(generated), file));
  const texts = await Promise.all(names.map(async (path) => [path, await files.read(path)] as const));
  return texts.filter(([, text]) =>
    text !== undefined && !/template "base"|config_path|PrivateRegistryConfig/.test(text)
  )
    .map(([path]) => ({
      registry: ALL,
      reason: `${path}: it says nothing of mirrors, so containerd does not hear of registries.yaml`,
      todo: `Let it begin with {{ template "base" . }}, and restart ${name}`,
    }));
}

/**
 * The k3s or RKE2 that writes the file at `configPath`, or where there is no such file, the one of the node; undefined
 * when containerd runs without them.
 */
export async function findK3s(configPath: string, files: HostFiles): Promise<K3s | undefined> {
  const named = k3sAt(configPath);
  if (named !== undefined) return named;
  const text = await files.read(configPath);
  const by = /^#.*generated by (k3s|rke2)/im.exec(text ?? "")?.[1]?.toLowerCase();
  if (by === "k3s" || by === "rke2") return { name: by, generated: configPath };
  if (text !== undefined) return undefined;
  for (const name of ["k3s", "rke2"] as const) {
    const generated = `/var/lib/rancher/${name}/agent/etc/containerd/config.toml`;
    if (await files.exists(generated)) return { name, generated };
  }
  return undefined;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
