import { isTable } from "../clean.ts";
import { at, type Fate, isOn, type OldKey, saysSomething, type Table } from "./old_form.ts";

/** A host, with a port or not. */
const HOST = /^[\w.-]+(?::\d{1,5})?$/;
const DOCKER_HUB = /(?:^|\.)docker\.(?:io|com)$/;
const UPSTREAMS = "proxy.registryMirror.upstreams";

/** Where a form says how registries are trusted. */
export interface TlsKeys {
  /** The table of the mirror, and its key for the registry behind it. */
  readonly mirror: string;
  readonly registry: string;
  /** The table of hosts whose TLS the proxy opened. */
  readonly hijack: string;
}

/** A row of today's list of registries, with what its TLS needs. */
interface Row {
  readonly namespace: string;
  readonly addr: string;
  readonly ca?: string;
  readonly skipVerify?: true;
}

export function isHost(value: unknown): value is string {
  return typeof value === "string" && HOST.test(value);
}

/** The URL of a registry; the path that Docker's own address had is none of the registry. */
export function registryUrl(value: unknown): string {
  return String(value).replace(/\/v[12]\/?$/, "");
}

/** Files of authorities, of which one is read today. */
export function certificates(key: string): OldKey {
  return (value) => {
    const [first, ...others] = filesOf(value);
    if (first === undefined) return [];
    return [{ kind: "becomes", key, value: first }, ...oneIsRead(first, others)];
  };
}

function filesOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map((path) => String(path ?? "")).filter((path) => path !== "");
}

function oneIsRead(first: string, others: readonly string[]): Fate[] {
  if (others.length === 0) return [];
  return [{ kind: "decide", what: `one file is read: add what is in ${others.join(", ")} to ${first}` }];
}

/** `insecure` of the mirror: it was for the registry behind it, and for all that runtimes named where `dynamic` was on. */
export function insecure(keys: TlsKeys): OldKey {
  return (value, file) => {
    if (!isOn(value)) return [{ kind: "gone", why: "it switched nothing on" }];
    const isOfMore = isOn(at(file, `${keys.mirror}.dynamic`));
    const isOfOne = mirrorRow(file, keys) !== undefined;
    const fates: Fate[] = isOfOne ? [{ kind: "becomes", key: UPSTREAMS, value: rowsOf(file, keys) }] : [];
    if (isOfOne && !isOfMore) return fates;
    const what =
      "certificates of registries are checked: write the authority of one that nobody vouches for as ca of " +
      `its row in ${UPSTREAMS}, or skipVerify: true`;
    return [...fates, { kind: "decide", what }];
  };
}

/** The registry behind the mirror, unchecked. Docker Hub has certificates that everybody trusts, and needs no row. */
function mirrorRow(file: Table, { mirror, registry }: TlsKeys): Row | undefined {
  const url = registryUrl(at(file, `${mirror}.${registry}`));
  if (!isOn(at(file, `${mirror}.insecure`)) || !url.startsWith("https://") || !URL.canParse(url)) return undefined;
  const { origin, host, hostname } = new URL(url);
  return DOCKER_HUB.test(hostname) ? undefined : { namespace: host, addr: origin, skipVerify: true };
}

/** Hosts whose TLS the proxy opened: with a certificate, and then it trusted some of them in ways of their own. */
export function hijack(keys: TlsKeys): OldKey {
  return (value, file) => {
    if (!isTable(value) || !saysSomething(value)) return [];
    const { cert, key, sni } = value;
    const fates: Fate[] = [];
    const hosts = hostsOf(value);
    if (saysSomething(cert) && saysSomething(key)) {
      fates.push({ kind: "becomes", key: "proxy.server.caCert", value: cert });
      fates.push({ kind: "becomes", key: "proxy.server.caKey", value: key });
      fates.push({ kind: "becomes", key: "proxy.server.interceptHosts", value: hosts.map(patternOf) });
      fates.push(...trustOf(hosts, file, keys));
    } else if (saysSomething(cert) || saysSomething(key)) {
      const what = "it has a certificate without a key, or a key without one: write both, or none";
      fates.push({ kind: "decide", what });
    } else if (hosts.length > 0) {
      fates.push({ kind: "gone", why: "it had no certificate, so that all TLS was tunnelled unread" });
    }
    if (saysSomething(sni)) fates.push({ kind: "decide", what: "there is no listener for TLS with SNI" });
    return fates;
  };
}

function hostsOf(value: unknown): Table[] {
  const hosts = isTable(value) ? value["hosts"] : undefined;
  return (Array.isArray(hosts) ? hosts : []).filter(isTable).filter((host) => saysSomething(host["regx"]));
}

function patternOf(host: Table): string {
  return String(host["regx"]);
}

/** What becomes of `insecure` and `certs` of the hosts. */
function trustOf(hosts: readonly Table[], file: Table, keys: TlsKeys): Fate[] {
  const special = hosts.filter((host) => isOn(host["insecure"]) || filesOf(host["certs"]).length > 0);
  const fates: Fate[] = [];
  if (special.some((host) => hijackRow(host) !== undefined)) {
    fates.push({ kind: "becomes", key: UPSTREAMS, value: rowsOf(file, keys) });
  }
  const unclear = special.filter((host) => hijackRow(host) === undefined).map((host) => `"${patternOf(host)}"`);
  if (unclear.length > 0) {
    const what = `${unclear.join(", ")} may match several hosts that were trusted in another way: give each a row in ` +
      `${UPSTREAMS}, with ca or with skipVerify: true`;
    fates.push({ kind: "decide", what });
  }
  for (const host of special) {
    const [first, ...others] = filesOf(host["certs"]);
    if (first !== undefined && hijackRow(host) !== undefined && !isOn(host["insecure"])) {
      fates.push(...oneIsRead(first, others));
    }
  }
  return fates;
}

/** The row of a host whose pattern is its name, perhaps bound to start and end. */
function hijackRow(host: Table): Row | undefined {
  const name = patternOf(host).replace(/^\^/, "").replace(/\$$/, "").replaceAll("\\.", ".");
  const [ca] = filesOf(host["certs"]);
  if (!isHost(name) || !/^\w/.test(name) || !URL.canParse(`https://${name}`)) return undefined;
  const { origin, host: namespace } = new URL(`https://${name}`);
  if (isOn(host["insecure"])) return { namespace, addr: origin, skipVerify: true };
  return ca === undefined ? undefined : { namespace, addr: origin, ca };
}

/** All rows of a file: each key that has some names them all, for the list is one. The first of a registry counts. */
function rowsOf(file: Table, keys: TlsKeys): Row[] {
  const table = at(file, keys.hijack);
  const isOpened = isTable(table) && saysSomething(table["cert"]) && saysSomething(table["key"]);
  const rows = [mirrorRow(file, keys), ...(isOpened ? hostsOf(table).map(hijackRow) : [])];
  const byName = new Map<string, Row>();
  for (const row of rows) if (row !== undefined && !byName.has(row.namespace)) byName.set(row.namespace, row);
  return [...byName.values()];
}
