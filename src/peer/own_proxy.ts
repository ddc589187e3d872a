import { isIP } from "node:net";
import { DamselflyError } from "../core/error.ts";
import { type Env, PROXY_VARIABLES } from "../http/egress.ts";
import { bareHost, portOf } from "../http/url_place.ts";

/** Where the mirror of this host is reached from the host itself. */
export interface OwnMirror {
  readonly port: number;
  /** Addresses and names of this host besides loopback. */
  readonly hosts: readonly string[];
}

/**
 * The environment variable that makes the mirror of this host the proxy of this process, so that each of its requests
 * to a registry would come back to it; undefined when there is none.
 */
export function ownProxyVariable(env: Env, mirror: OwnMirror): string | undefined {
  return PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]).find((name) => isOwn(env(name) ?? "", mirror));
}

/** Throws `failed_precondition` when there is an {@link ownProxyVariable}. */
export function refuseOwnProxy(env: Env, mirror: OwnMirror): void {
  const variable = ownProxyVariable(env, mirror);
  if (variable === undefined) return;
  throw new DamselflyError(
    "failed_precondition",
    `Cannot start: ${variable} makes this peer's own mirror its proxy, so that its requests would come back to it; ` +
      "unset it for this process",
  );
}

function isOwn(value: string, { port, hosts }: OwnMirror): boolean {
  const text = value.includes("://") ? value : `http://${value}`;
  if (value === "" || !URL.canParse(text)) return false;
  const url = new URL(text);
  const host = bareHost(url);
  return portOf(url) === port && (isLoopback(host) || hosts.some((own) => own.toLowerCase() === host));
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && /^(127|0)\./.test(host));
}
