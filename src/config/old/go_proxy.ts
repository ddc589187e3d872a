import { parsePattern } from "../../core/pattern.ts";
import { isTable } from "../clean.ts";
import { certificates, hijack, insecure, isHost, registryUrl, type TlsKeys } from "./go_tls.ts";
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
/** A blob of a registry that no rule can mean. */
const ANY_BLOB = `https://0.invalid/v2/0/blobs/sha256:${"0".repeat(64)}`;
const TLS_KEYS: TlsKeys = { mirror: "proxy.registryMirror", registry: "url", hijack: "proxy.hijackHTTPS" };

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
  "proxy.whiteList": whiteList,
  "proxy.extraRegistryMirrors": decideIf(
    saysSomething,
    "there is one mirror for all registries: let runtimes ask it with ?ns= (containerd), with X-Dragonfly-Registry, or " +
      "with the registry at the beginning of the path, as dfinit configures them",
  ),
  "proxy.registryMirror.url": becomes("proxy.registryMirror.addr", registryUrl),
  "proxy.registryMirror.dynamic": gone("the header X-Dragonfly-Registry and ?ns= always say which registry is meant"),
  "proxy.registryMirror.insecure": insecure(TLS_KEYS),
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
  "proxy.hijackHTTPS": hijack(TLS_KEYS),
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

/** The rules of `proxies`: then as now the first one that matches decides. */
export function rulesOf(value: unknown, { useTls, filter, addBlobs }: RuleForm): Fate[] {
  const written = (Array.isArray(value) ? value : []).filter(isTable);
  const filtered = filteredOf(filter);
  const filtering = filtered === undefined ? {} : { filteredQueryParams: filtered };
  const rules = written.map((rule) => ({
    regex: String(rule["regx"] ?? ""),
    ...(isOn(rule[useTls]) && { useTLS: true }),
    ...(isHost(rule["redirect"]) && { redirect: rule["redirect"] }),
    ...(isOn(rule["direct"]) && { direct: true }),
    ...(!isOn(rule["direct"]) && filtering),
  }));
  if (addBlobs) {
    // The mirror's blobs were shared whatever the rules said. What is `direct` goes first, unless it is everything.
    const at = rules.findIndex(({ regex }) => parsePattern(regex).test(ANY_BLOB));
    const all = rules[at];
    if (all === undefined) rules.push({ regex: BLOBS, ...filtering });
    else if (all.direct === true) rules.splice(at, 0, { regex: BLOBS, ...filtering });
  }
  const fates: Fate[] = [{ kind: "becomes", key: "proxy.rules", value: rules }];
  const rewritten = written.map((rule) => rule["redirect"]).filter((to) => saysSomething(to) && !isHost(to));
  if (rewritten.length > 0) {
    const what = `a rule names another host, and no URL: nothing is rewritten to ${rewritten.join(" or ")}`;
    fates.push({ kind: "decide", what });
  }
  return fates;
}

/** A row of today's white list. */
interface ListedHost {
  readonly host?: string;
  readonly regex?: string;
  readonly ports?: readonly number[];
}

/** Hosts that requests could go to; a row with neither name nor pattern let nothing pass. */
function whiteList(value: unknown): Fate[] {
  if (!saysSomething(value)) return [{ kind: "gone", why: "it switched nothing on" }];
  const rows = (Array.isArray(value) ? value : []).filter(isTable).filter(({ host, regx }) => {
    return saysSomething(host) || saysSomething(regx);
  }).map(({ host, regx, ports }): ListedHost => ({
    ...(saysSomething(host) && { host: String(host) }),
    ...(saysSomething(regx) && { regex: String(regx) }),
    ...(saysSomething(ports) && { ports: (Array.isArray(ports) ? ports : [ports]).map(oldPort) }),
  }));
  const fates: Fate[] = [{ kind: "becomes", key: "proxy.whiteList", value: rows }];
  const mayOverlap = rows.some(({ host, regex, ports }, i) =>
    ports !== undefined &&
    rows.slice(i + 1).some((later) => later.host === host || (later.regex ?? regex) !== undefined)
  );
  if (mayOverlap) {
    const what =
      "the first row that names a host decided about its ports; today a host may be asked for by any row that " +
      "names it and the port";
    fates.push({ kind: "decide", what });
  }
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
