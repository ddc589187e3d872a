import { isIP } from "node:net";
import { DamselflyError } from "../core/error.ts";
import { addressesMeant, type Cidr, parseCidr } from "../core/ip.ts";
import type { Net } from "../runtime/net.ts";
import { bareHost } from "./url_place.ts";
import { isForbidden } from "./forbidden_address.ts";

const LOOPBACK = ["127.0.0.0/8", "::1/128"].map(parseCidr);

/** Whether an address is one of the host itself. */
export function isLoopback(ip: string): boolean {
  return LOOPBACK.some((block) => block.contains(ip));
}

/** The same of where a connection is to go: there may be a network's translator on the way. */
function leadsToLoopback(ip: string): boolean {
  return addressesMeant(ip).some(isLoopback);
}

/** Where a request is to go, and who asks. */
export interface Destination {
  /** `https://host:port`, as the configuration may name it. */
  readonly origin: string;
  readonly hostname: string;
  /** The address that asks; undefined for a program of this host, which asked over the unix socket. */
  readonly remoteIp: string | undefined;
}

/** What {@link Destinations} goes by. */
export interface DestinationRules {
  /** Whether the configuration names an origin; then its address is not questioned. */
  readonly isConfigured: (origin: string) => boolean;
  /** The key of the configuration that names origins, for the message to whoever needs that. */
  readonly key: string;
  /** `security.deniedNetworks`: where nobody goes. */
  readonly denied?: readonly Cidr[] | undefined;
  /** `security.allowedNetworks`: where alone somebody goes; left out, everywhere. */
  readonly allowed?: readonly Cidr[] | undefined;
}

/**
 * Decides where requests of others may go through this host. A process of this host may go where it could go without
 * us; others do not reach the host's own services through us; and nobody reaches link-local and metadata addresses,
 * where clouds keep their secrets. The configuration may narrow that; what it names itself is not questioned.
 */
export class Destinations {
  readonly #net: Pick<Net, "resolve">;
  readonly #rules: DestinationRules;

  constructor(net: Pick<Net, "resolve">, rules: DestinationRules) {
    this.#net = net;
    this.#rules = rules;
  }

  /**
   * The addresses to connect to, all of them allowed; whoever connects to a name again may get another answer. Throws
   * `permission_denied`, or `unavailable` when there is no such name.
   */
  async addressesOf(destination: Destination): Promise<string[]> {
    const addresses = await this.#lookUp(destination);
    if (!this.#rules.isConfigured(destination.origin)) this.#checkAll(addresses, destination);
    return addresses;
  }

  /**
   * Looks at a request that `fetch` is to send: the addresses that it must keep to, or undefined where it need not. A name
   * that is not known here has none, and may be known to the HTTP proxy of the environment. Throws `permission_denied`.
   */
  async check(destination: Destination): Promise<readonly string[] | undefined> {
    if (this.#rules.isConfigured(destination.origin)) return undefined;
    const addresses = await this.#lookUp(destination).catch(() => []);
    this.#checkAll(addresses, destination);
    return addresses;
  }

  /**
   * Whether an origin with these addresses is another server on each host, so that a URL of it names no content that
   * hosts could share. One that the configuration names is meant to be the same everywhere.
   */
  isOfEachHost(origin: string, addresses: readonly string[]): boolean {
    return !this.#rules.isConfigured(origin) && addresses.some(leadsToLoopback);
  }

  async #lookUp(to: Destination): Promise<string[]> {
    const host = bareHost(to);
    return isIP(host) === 0 ? await this.#net.resolve(host) : [host];
  }

  #checkAll(addresses: readonly string[], { origin, remoteIp }: Destination): void {
    const isOwnProcess = remoteIp === undefined || isLoopback(remoteIp);
    for (const address of addresses) {
      const why = this.#refusalOf(address, isOwnProcess);
      if (why === undefined) continue;
      const how = `if a registry is there, configure it under ${this.#rules.key}`;
      throw new DamselflyError("permission_denied", `Cannot go to ${origin}: it is ${why}; ${how}`);
    }
  }

  /** What an address is that nobody goes to; undefined for one where the requester may go. */
  #refusalOf(address: string, isOwnProcess: boolean): string | undefined {
    const { denied = [], allowed } = this.#rules;
    if (isForbidden(address)) return "link-local or of a metadata service";
    if (leadsToLoopback(address) && !isOwnProcess) {
      return "an address of this host, which only its own processes may ask for";
    }
    const meant = addressesMeant(address);
    if (meant.some((ip) => isIn(denied, ip))) return "in security.deniedNetworks";
    // Of an address with another one behind it both have to be allowed, for either may be where the connection ends.
    if (allowed !== undefined && !meant.every((ip) => isIn(allowed, ip))) return "not in security.allowedNetworks";
    return undefined;
  }
}

function isIn(blocks: readonly Cidr[], ip: string): boolean {
  return blocks.some((block) => block.contains(ip));
}
