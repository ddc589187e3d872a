import { parseDistributionPath } from "../../oci/distribution_path.ts";

/**
 * A registry at the beginning of a repository. A colon may not stand there, so `__` is in front of a port; no host name
 * has an underscore.
 */
const NAMED = /^\/v2\/([a-z0-9]+(?:(?:\.|-+)[a-z0-9]+)*)(?:__(\d{1,5}))?(\/.+)$/;

/** A request for a registry that its path names. */
export interface NamedInPath {
  readonly namespace: string;
  /** The path as that registry knows it. */
  readonly pathname: string;
}

/**
 * The registry that a path of the distribution API names, as in `/v2/quay.io/team/app/manifests/v1`: the mirrors of
 * CRI-O and Podman know no other way to say it (node-side.md §2.6). Undefined when the first part is no host, or when
 * no repository is left without it.
 */
export function registryInPath(pathname: string): NamedInPath | undefined {
  const [, host = "", port, rest = ""] = NAMED.exec(pathname) ?? [];
  const isHost = host.includes(".") || host === "localhost" || port !== undefined;
  if (!isHost || parseDistributionPath(`/v2${rest}`) === undefined) return undefined;
  return { namespace: port === undefined ? host : `${host}:${port}`, pathname: `/v2${rest}` };
}
