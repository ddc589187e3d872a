import { isIP } from "node:net";
import { DamselflyError } from "../core/error.ts";
import { parseCidr } from "../core/ip.ts";
import type { Net } from "../runtime/net.ts";
import { isForbidden } from "./forbidden_address.ts";

const LOOPBACK = ["127.0.0.0/8", "::1/128", "64:ff9b::7f00:0/104"].map(parseCidr);

/** Whether an address is one of the host itself, however it is written. */
export function isLoopback(ip: string): boolean {
  return LOOPBACK.some((block) => block.contains(ip));
}

/** Where a request is to go, and who asks. */
export interface Destination {
  /** `https://host:port`, as the configuration may name it. */
  readonly origin: string;
  readonly hostname: string;
  /** The address that asks; undefined for a program of this host, which asked over the unix socket. */
  readonly remoteIp: string | undefined;
}

/**
 * Decides where requests of others may go through this host. A process of this host may go where it could go without
 * us; others do not reach the host's own services through us; and nobody reaches link-local and metadata addresses,
 * where clouds keep their secrets. What the configuration names is not questioned.
 */
export class Destinations {
  readonly #net: Pick<Net, "resolve">;
  readonly #isConfigured: (origin: string) => boolean;
  readonly #key: string;

  /** `key` is where the configuration names an origin, for the message to whoever needs that. */
  constructor(net: Pick<Net, "resolve">, isConfigured: (origin: string) => boolean, key: string) {
    this.#net = net;
    this.#isConfigured = isConfigured;
    this.#key = key;
  }

  /**
   * The addresses to connect to, all of them allowed; whoever connects to a name again may get another answer. Throws
   * `permission_denied`, or `unavailable` when there is no such name.
   */
  async addressesOf(destination: Destination): Promise<string[]> {
    const addresses = await this.#lookUp(destination);
    if (!this.#isConfigured(destination.origin)) checkAll(addresses, destination, this.#key);
    return addresses;
  }

  /**
   * Looks at a request that is sent by `fetch`, which looks the name up itself. A name that is not known here may be
   * known to the HTTP proxy of the environment that `fetch` uses then. Throws `permission_denied`.
   */
  async check(destination: Destination): Promise<void> {
    if (this.#isConfigured(destination.origin)) return;
    checkAll(await this.#lookUp(destination).catch(() => []), destination, this.#key);
  }

  /**
   * Whether an origin with these addresses is another server on each host, so that a URL of it names no content that
   * hosts could share. One that the configuration names is meant to be the same everywhere.
   */
  isOfEachHost(origin: string, addresses: readonly string[]): boolean {
    return !this.#isConfigured(origin) && addresses.some(isLoopback);
  }

  async #lookUp({ hostname }: Destination): Promise<string[]> {
    const host = hostname.replace(/^\[|\]$/g, "");
    return isIP(host) === 0 ? await this.#net.resolve(host) : [host];
  }
}

function checkAll(addresses: readonly string[], { origin, remoteIp }: Destination, key: string): void {
  const isOwnProcess = remoteIp === undefined || isLoopback(remoteIp);
  for (const address of addresses) {
    const isOfThisHost = isLoopback(address);
    if (!isForbidden(address) && (!isOfThisHost || isOwnProcess)) continue;
    const what = isOfThisHost
      ? "an address of this host, which only its own processes may ask for"
      : "link-local or of a metadata service";
    throw new DamselflyError(
      "permission_denied",
      `Cannot go to ${origin}: it is ${what}; if a registry is there, configure it under ${key}`,
    );
  }
}
