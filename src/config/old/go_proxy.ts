import { isTable } from "../clean.ts";
import {
  at,
  becomes,
  decideIf,
  type Fate,
  gone,
  isOff,
  isOn,
  type OldKey,
  oldPort,
  saysSomething,
  type Table,
} from "./old_form.ts";

/** What the mirror of old shared where `proxies` did not decide. */
const BLOBS = "blobs/sha256.*";
const DEFAULT_FILTER = "Expires&Signature&ns";
/** The port of the proxy of old, which the node's runtimes are configured to ask. */
const OLD_PORT = 65001;
const PASSWORD_LENGTH_MAX = 20;
/** A host, with a port or not. */
const HOST = /^[\w.-]+(?::\d{1,5})?$/;
const TRUST = "certificates are always checked: write the authority of the registry as proxy.registryMirror.cert, or " +
  "as ca of its row in proxy.registryMirror.upstreams";

/** `proxy` of the form of Dragonfly 2.0 and 2.1. */
export const GO_PROXY_KEYS: Readonly<Record<string, OldKey>> = {
  "proxy.tcpListen.port": becomes("proxy.server.port", oldPort),
  "proxy.tcpListen.listen": becomes("proxy.server.ip"),
  "proxy.tcpListen.namespace": decideIf(
    saysSomething,
    "run dfdaemon in the network of the host (hostNetwork: true in Kubernetes) instead",
  ),
  "proxy.unixListen": gone("the proxy listens on TCP"),
  "proxy.security": decideIf(
    (value) => isTable(value) && (isOff(value["insecure"]) || saysSomething(value["cert"])),
    "the proxy listened with TLS, which there is not: let it listen on 127.0.0.1 only",
  ),
  "proxy.basicAuth": basicAuth,
  "proxy.defaultFilter": () => [],
  "proxy.defaultTag": gone("requests have a tag of their own in X-Dragonfly-Tag"),
  "proxy.defaultApplication": gone("requests have an application of their own in X-Dragonfly-Application"),
  "proxy.defaultPriority": gone("requests have a priority of their own in X-Dragonfly-Priority"),
  "proxy.maxConcurrency": gone("downloads are limited by download.concurrentPieceCount"),
  "proxy.dumpHTTPContent": gone("contents are not logged"),
  "proxy.whiteList": decideIf(
    saysSomething,
    "the proxy passed requests to these hosts and ports only; today it passes them to all hosts but loopback, " +
      "link-local and metadata addresses. Limit it with a firewall, or with proxy.server.basicAuth",
  ),
  "proxy.extraRegistryMirrors": decideIf(
    saysSomething,
    "there is one mirror for all registries: let runtimes ask it with ?ns= (containerd), with X-Dragonfly-Registry, or " +
      "with the registry at the beginning of the path, as dfinit configures them",
  ),
  "proxy.registryMirror.url": becomes("proxy.registryMirror.addr", registryUrl),
  "proxy.registryMirror.dynamic": gone("the header X-Dragonfly-Registry and ?ns= always say which registry is meant"),
  "proxy.registryMirror.insecure": decideIf(isOn, TRUST),
  "proxy.registryMirror.certs": certificates("proxy.registryMirror.cert"),
  "proxy.registryMirror.direct": (value, file) =>
    isOn(value) && at(file, "proxy.proxies") === undefined ? [{ kind: "becomes", key: "proxy.rules", value: [] }] : [],
  "proxy.registryMirror.useProxies": () => [],
  "proxy.proxies": (value, file) =>
    rulesOf(value, {
      useTls: "useHTTPS",
      filter: at(file, "proxy.defaultFilter"),
      addBlobs: !["useProxies", "direct"].some((key) => isOn(at(file, `proxy.registryMirror.${key}`))),
    }),
  "proxy.hijackHTTPS": hijack,
};

/** What the proxy of old did without a word about it. */
export function goProxyDefaults(file: Table): Fate[] {
  const { proxy } = file;
  if (typeof proxy === "string") return [{ kind: "decide", what: `'proxy' is in a file of its own: ${proxy}` }];
  if (!isTable(proxy)) return [];
  const fates: Fate[] = [];
  if (at(file, "proxy.tcpListen.port") === undefined && at(file, "proxy.server.port") === undefined) {
    fates.push({ kind: "becomes", key: "proxy.server.port", value: OLD_PORT });
  }
  const filter = filteredOf(at(file, "proxy.defaultFilter"));
  const isDirect = isOn(at(file, "proxy.registryMirror.direct"));
  if (at(file, "proxy.proxies") === undefined && filter !== undefined && !isDirect) {
    fates.push({ kind: "becomes", key: "proxy.rules", value: [{ regex: BLOBS, filteredQueryParams: filter }] });
  }
  return fates;
}

/** The parameters of a filter that is not the usual one. */
function filteredOf(filter: unknown): string[] | undefined {
  if (typeof filter !== "string" || filter === "" || filter === DEFAULT_FILTER) return undefined;
  return filter.split("&").filter((name) => name !== "");
}

/** How the rules of a form are written. */
interface RuleForm {
  /** The key that asks the source by https. */
  readonly useTls: string;
  readonly filter: unknown;
  /** Whether the mirror shared blobs whatever the rules said. */
  readonly addBlobs: boolean;
}

/** The rules of `proxies`. Of old the first one that matched decided, and `direct` meant: not through the swarm. */
export function rulesOf(value: unknown, { useTls, filter, addBlobs }: RuleForm): Fate[] {
  const written = (Array.isArray(value) ? value : []).filter(isTable);
  const shared = written.filter((rule) => !isOn(rule["direct"]));
  const filtered = filteredOf(filter);
  const rules = shared.map((rule) => ({
    regex: String(rule["regx"] ?? ""),
    ...(isOn(rule[useTls]) && { useTLS: true }),
    ...(isHost(rule["redirect"]) && { redirect: rule["redirect"] }),
    ...(filtered !== undefined && { filteredQueryParams: filtered }),
  }));
  if (addBlobs && !rules.some(({ regex }) => regex.includes("blobs/sha256"))) {
    rules.unshift({ regex: BLOBS, ...(filtered !== undefined && { filteredQueryParams: filtered }) });
  }
  const fates: Fate[] = [{ kind: "becomes", key: "proxy.rules", value: rules }];
  const rewritten = shared.map((rule) => rule["redirect"]).filter((to) => saysSomething(to) && !isHost(to));
  if (rewritten.length > 0) {
    const what = `a rule names another host, and no URL: nothing is rewritten to ${rewritten.join(" or ")}`;
    fates.push({ kind: "decide", what });
  }
  const direct = written.filter((rule) => isOn(rule["direct"])).map((rule) => `"${String(rule["regx"])}"`);
  if (direct.length > 0) {
    const what = `what matched ${direct.join(" or ")} went around the swarm; today all goes around it that no rule ` +
      "matches, so write the other rules such that they do not match it";
    fates.push({ kind: "decide", what });
  }
  return fates;
}

function isHost(value: unknown): boolean {
  return typeof value === "string" && HOST.test(value);
}

/** Files of authorities, of which one is read today. */
export function certificates(key: string): OldKey {
  return (value) => {
    const [first, ...others] = (Array.isArray(value) ? value : [value]).map(String).filter((path) => path !== "");
    if (first === undefined) return [];
    const fates: Fate[] = [{ kind: "becomes", key, value: first }];
    if (others.length > 0) {
      fates.push({ kind: "decide", what: `one file is read: add what is in ${others.join(", ")} to ${first}` });
    }
    return fates;
  };
}

/** The URL of a registry; the path that Docker's own address had is none of the registry. */
export function registryUrl(value: unknown): string {
  return String(value).replace(/\/v[12]\/?$/, "");
}

/** Certificates for hosts whose TLS the proxy opened. */
export function hijack(value: unknown): Fate[] {
  if (!isTable(value) || !saysSomething(value)) return [];
  const { cert, key, hosts, sni } = value;
  const fates: Fate[] = [];
  if (saysSomething(cert) && saysSomething(key)) {
    fates.push({ kind: "becomes", key: "proxy.server.caCert", value: cert });
    fates.push({ kind: "becomes", key: "proxy.server.caKey", value: key });
  } else if (saysSomething(cert) || saysSomething(key)) {
    fates.push({
      kind: "decide",
      what: "it has a certificate without a key, or a key without one: write both, or none",
    });
  }
  const names = (Array.isArray(hosts) ? hosts : []).filter(isTable).map((host) => `"${String(host["regx"])}"`);
  if (names.length > 0) {
    fates.push({
      kind: "decide",
      what: `the proxy opened the TLS of ${names.join(", ")}: let runtimes pull from these registries through the ` +
        "mirror, as dfinit configures them; no proxy has to open TLS for that",
    });
  }
  if (saysSomething(sni)) fates.push({ kind: "decide", what: "there is no listener for TLS with SNI" });
  return fates;
}

function basicAuth(value: unknown): Fate[] {
  if (!isTable(value) || !saysSomething(value)) return [];
  const { username, password } = value;
  const [user, secret] = [String(username ?? ""), String(password ?? "")];
  if ([user, secret].every(({ length }) => length > 0 && length <= PASSWORD_LENGTH_MAX)) {
    return [{ kind: "becomes", key: "proxy.server.basicAuth", value: { username: user, password: secret } }];
  }
  const what = `user and password have 1 to ${PASSWORD_LENGTH_MAX} characters: write others as proxy.server.basicAuth`;
  return [{ kind: "decide", what }];
}
