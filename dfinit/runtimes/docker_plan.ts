import { join } from "node:path/posix";
import type { DfinitConfig } from "../../src/config/dfinit.ts";
import { BACKUP_SUFFIX } from "../apply.ts";
import type { HostFiles } from "../host_files.ts";
import { withBlock } from "../marked_block.ts";
import { type Bypass, type Change, type Plan, planning, RefusalError, refusing } from "../plan.ts";
import { daemonWithout, editDaemon, mirrorUrls, proxyUrls, proxyWithout } from "./docker.ts";
import { planTrust } from "./docker_trust.ts";
import type { Route } from "./route.ts";

/** `containerRuntime.docker` of dfinit.yaml. */
export type DockerConfig = NonNullable<NonNullable<DfinitConfig["containerRuntime"]>["docker"]>;

/** Ours of systemd's drop-ins for Docker: it sets the daemon's proxy. */
export const UNIT_DROP_IN = "/etc/systemd/system/docker.service.d/99-damselfly.conf";

const UNIT_FOLDERS = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/** Where distributions let people add flags of dockerd. */
const FLAG_FILES = ["/etc/default/docker", "/etc/sysconfig/docker", "/etc/conf.d/docker"];

const MOVE_PROXY = "Let dfdaemon have that proxy as HTTP_PROXY and HTTPS_PROXY instead, and take it out here";

const REPAIR = "Repair the file, Docker cannot read it either";

/**
 * Plans a node with Docker Engine: `daemon.json`, and where that is wanted a drop-in of systemd. `previous` is the
 * peer's address of an earlier run. Reads, and writes nothing.
 */
export function planDocker(
  config: DockerConfig,
  { mirror, previous }: { readonly mirror: string; readonly previous: string | undefined },
  files: HostFiles,
): Promise<Plan> {
  return planning(async () => {
    const path = config.configPath;
    const flags = await flagFiles(files);
    refuseFlag("--registry-mirror", path, flags);
    if (config.proxy !== "off") refuseFlag("--http-proxy", path, flags);
    const before = await files.read(path);
    const original = await files.read(path + BACKUP_SUFFIX);
    const wanted = { mirror, asProxy: config.proxy === "daemon", noProxy: config.noProxy };
    const proxies = refusing(path, REPAIR, () => proxyUrls(before));
    if (wanted.asProxy && proxies.some((url) => url !== mirror && url !== previous)) {
      throw new RefusalError(path, "it sets another proxy of Docker", MOVE_PROXY);
    }
    const after = refusing(path, REPAIR, () => {
      if (before === undefined || previous === undefined) return editDaemon(before, wanted);
      if (previous !== mirror) return editDaemon(daemonWithout(before, previous, original), wanted);
      return editDaemon(wanted.asProxy ? before : proxyWithout(before, mirror, original), wanted);
    });
    const proxied = config.proxy === "daemon" ? ", and is its proxy" : "";
    const changes: Change[] = before === after
      ? []
      : [{ path, before, after, why: `Docker Hub is asked through ${mirror} first${proxied}` }];
    const unit = config.proxy === "systemd" ? await planUnit(config, mirror, flags, files) : undefined;
    // Docker trusts the authority before it asks the proxy that shows it.
    const trust = await planTrust(config, files);
    return {
      changes: [...trust.changes, ...changes, ...(unit?.change === undefined ? [] : [unit.change])],
      unchanged: [
        ...trust.unchanged,
        ...(before === after ? [path] : []),
        ...(unit !== undefined && unit.change === undefined ? [UNIT_DROP_IN] : []),
      ],
      refusals: [],
      warnings: [...trust.warnings, ...warningsOf(config, mirror, after)],
      bypassed: [otherRegistries(config)],
    };
  });
}

/** Whom Docker asks for images of Docker Hub, the only registry whose pulls go to mirrors (node-side.md §2.7). */
export async function dockerRoutes({ configPath: path }: DockerConfig, files: HostFiles): Promise<Route[]> {
  const text = await files.read(path);
  return [{ registry: "docker.io", path, hosts: refusing(path, REPAIR, () => mirrorUrls(text)) }];
}

function warningsOf(
  { configPath, proxy, noProxy, registries }: DockerConfig,
  mirror: string,
  after: string,
): string[] {
  if (proxy !== "off") return [];
  const idle = [...(noProxy.length > 0 ? ["noProxy"] : []), ...(registries.length > 0 ? ["registries"] : [])];
  return [
    ...idle.map((key) =>
      `containerRuntime.docker.${key} has no effect as long as containerRuntime.docker.proxy is off`
    ),
    ...(proxyUrls(after).includes(mirror)
      ? [
        `${configPath}: the peer is Docker's proxy there, and nothing is pulled while it is down. Take it out of ` +
        "proxies, or set containerRuntime.docker.proxy if that is meant",
      ]
      : []),
  ];
}

/** Docker asks mirrors for Docker Hub alone (node-side.md §2.7). */
function otherRegistries({ proxy, ca }: DockerConfig): Bypass {
  if (proxy === "off") {
    const reason = "Docker Engine asks mirrors for images of Docker Hub only";
    const todo = "Set containerRuntime.docker.proxy, and for registries with TLS ca and registries";
    return { registry: "registries other than docker.io", reason, todo };
  }
  const reason = "Docker Engine speaks TLS with registries through the proxy, which passes it on unread";
  if (ca === undefined) {
    const todo = "Give dfdaemon proxy.server.caCert and caKey, and name them as ca and registries";
    return { registry: "other registries with TLS", reason, todo };
  }
  return { registry: "registries with TLS that are not listed", reason, todo: "Add them to registries" };
}

async function planUnit(
  config: DockerConfig,
  mirror: string,
  flags: ReadonlyMap<string, string>,
  files: HostFiles,
): Promise<{ readonly change?: Change }> {
  for (const [path, text] of flags) {
    if (path === UNIT_DROP_IN || !/^\s*Environment=.*\bHTTPS?_PROXY=/mi.test(text)) continue;
    throw new RefusalError(path, "it sets another proxy of Docker", MOVE_PROXY);
  }
  const before = await files.read(UNIT_DROP_IN);
  const values = [`HTTP_PROXY=${mirror}`, `HTTPS_PROXY=${mirror}`];
  const noProxy = config.noProxy.length === 0 ? [] : [`NO_PROXY=${config.noProxy.join(",")}`];
  const lines = ["[Service]", `Environment=${[...values, ...noProxy].map((value) => `"${value}"`).join(" ")}`];
  const after = refusing(UNIT_DROP_IN, "Remove the file, and run dfinit again", () => withBlock(before ?? "", lines));
  if (before === after) return {};
  return {
    change: {
      path: UNIT_DROP_IN,
      before,
      after,
      why: `the proxy of Docker is ${mirror}, after systemctl daemon-reload`,
    },
  };
}

/** Files in which flags and variables of dockerd are set, by path. */
async function flagFiles(files: HostFiles): Promise<Map<string, string>> {
  const paths = [...FLAG_FILES];
  for (const folder of UNIT_FOLDERS) {
    const dropIns = join(folder, "docker.service.d");
    const names = (await files.list(dropIns) ?? []).filter((name) => name.endsWith(".conf"));
    paths.push(join(folder, "docker.service"), ...names.map((name) => join(dropIns, name)));
  }
  const texts = await Promise.all(paths.map(async (path) => [path, await files.read(path)] as const));
  return new Map(texts.flatMap(([path, text]) => text === undefined ? [] : [[path, text]]));
}

/** dockerd does not start with a setting both as a flag and in its file. */
function refuseFlag(flag: string, daemonPath: string, flags: ReadonlyMap<string, string>): void {
  for (const [path, text] of flags) {
    const lines = text.split("\n").filter((line) => !/^\s*[#;]/.test(line));
    if (!lines.some((line) => new RegExp(`(?:^|[\\s"'=])${flag}\\b`).test(line))) continue;
    const todo = `Move it to ${daemonPath}, and run dfinit again`;
    throw new RefusalError(
      path,
      `it gives dockerd ${flag}, and dockerd does not start when its file says that too`,
      todo,
    );
  }
}
