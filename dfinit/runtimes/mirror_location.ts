import { RefusalError } from "../plan.ts";

const LOCATION = /^([a-z0-9.-]+)(?::(\d{1,5}))?((?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)$/;

/**
 * The `location` of a mirror in `registries.conf` that makes the peer at `mirror` ask the registry at `location`: its
 * name is the beginning of the repository, because that file knows neither headers nor parameters. A colon may not
 * stand in a repository, so `reg.corp:5000` becomes `reg.corp__5000`; no host name has an underscore.
 * Throws {@link RefusalError} that names `where` for what is no registry, or cannot be written that way.
 */
export function mirrorLocation(mirror: string, location: string, where: string): string {
  const [, host, port, path] = LOCATION.exec(location.toLowerCase()) ?? [];
  const isHost = host !== undefined && (host.includes(".") || host === "localhost" || port !== undefined);
  if (!isHost || /^[.-]|[.-]$|\.\./.test(host)) {
    const todo = "Write a host name with its port and path if any, such as quay.io or reg.corp:5000/team";
    throw new RefusalError(where, `"${location}" is no registry that a mirror can stand for`, todo);
  }
  return `${new URL(mirror).host}/${host}${port === undefined ? "" : `__${port}`}${path}`;
}
