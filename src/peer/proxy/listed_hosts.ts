import { DamselflyError } from "../../core/error.ts";
import type { Pattern } from "../../core/pattern.ts";
import { bareHost, portOf } from "../../http/url_place.ts";

/** A row of `proxy.whiteList`: hosts that may be asked for. */
export interface ListedHost {
  readonly host?: string | undefined;
  readonly regex?: Pattern | undefined;
  /** None: all. */
  readonly ports: readonly number[];
}

/** Throws `permission_denied` for a place that a list does not have; without a list there is none. */
export function checkListed(to: URL, list: readonly ListedHost[] | undefined): void {
  const [name, port] = [bareHost(to), portOf(to)];
  const isListed = (list ?? [{ host: name, ports: [] }]).some(({ host, regex, ports }) => {
    const isHost = host?.toLowerCase() === name || regex?.test(name) === true;
    return isHost && (ports.length === 0 || ports.includes(port));
  });
  if (isListed) return;
  throw new DamselflyError("permission_denied", `Cannot go to ${name}:${port}: proxy.whiteList does not have it`);
}
