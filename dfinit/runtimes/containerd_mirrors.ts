import type { TomlTable } from "smol-toml";
import { isTable, tomlKey } from "../toml_edit.ts";
import { RefusalError } from "../plan.ts";
import type { ExtraHost } from "./containerd_hosts.ts";

/** The endpoints that the old `registry.mirrors` gives to one registry; `*` stands for all others. */
export interface LegacyMirror {
  readonly namespace: string;
  readonly endpoints: readonly ExtraHost[];
}

/**
 * What `registry.mirrors` says, as `hosts.toml` needs it; containerd does not start with both. Throws
 * {@link RefusalError} for what has no equivalent that is safe to write: TLS settings, and keys we do not know.
 */
export function legacyMirrors(path: string, registry: TomlTable): LegacyMirror[] {
  const configs = isTable(registry["configs"]) ? registry["configs"] : {};
  for (const [host, config] of Object.entries(configs)) {
    if (!isTable(config) || !isTable(config["tls"]) || Object.keys(config["tls"]).length === 0) continue;
    throw new RefusalError(
      path,
      `registry.configs.${tomlKey([host])}.tls and config_path together keep containerd from starting`,
      "Move these TLS settings to a hosts.toml (skip_verify, ca, client), remove the table, and run dfinit again",
    );
  }
  const mirrors = isTable(registry["mirrors"]) ? registry["mirrors"] : {};
  return Object.entries(mirrors).map(([namespace, mirror]) => {
    const endpoints = isTable(mirror) ? mirror["endpoint"] ?? [] : undefined;
    const isPlain = isTable(mirror) && Object.keys(mirror).every((key) => key === "endpoint");
    if (!isPlain || !Array.isArray(endpoints)) {
      throw notPlain(path, namespace, "it holds more than a list of endpoints");
    }
    const hosts = endpoints.map((endpoint) => extraHost(path, namespace, endpoint));
    // One host may stand there twice, with a slash at the end and without; a hosts.toml cannot hold it twice.
    return {
      namespace,
      endpoints: [...new Map(hosts.toReversed().map((host) => [host.url, host])).values()].toReversed(),
    };
  });
}

/** The old form took an endpoint's path as the whole prefix; without a path it is `/v2` in both forms. */
function extraHost(path: string, namespace: string, endpoint: unknown): ExtraHost {
  const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw notPlain(path, namespace, "an endpoint is no http or https URL");
  }
  if (url.username !== "" || url.password !== "") throw notPlain(path, namespace, "an endpoint holds credentials");
  return { url: String(endpoint).replace(/\/+$/, ""), overridePath: url.pathname !== "/" };
}

function notPlain(path: string, namespace: string, why: string): RefusalError {
  return new RefusalError(
    path,
    `registry.mirrors.${tomlKey([namespace])} cannot be converted to a hosts.toml: ${why}`,
    "Write that hosts.toml by hand, remove the table, and run dfinit again",
  );
}
