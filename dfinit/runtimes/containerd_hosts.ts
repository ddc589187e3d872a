import type { TomlTable } from "smol-toml";
import { DamselflyError } from "../../src/core/error.ts";
import {
  checked,
  eolOf,
  isTable,
  isWithin,
  lineEnd,
  lineStart,
  parseToml,
  removeLine,
  setValue,
  startWithComments,
  tablesOf,
  tomlKey,
  tomlString,
  valueAt,
} from "../toml_edit.ts";

/** Ends a line, or starts a comment, that dfinit wrote and keeps up to date. */
export const MARK = "damselfly";

const MIRROR_COMMENT = `# ${MARK}: the peer on this node is asked first`;

const REGISTRY_HEADER = "X-Dragonfly-Registry";

/** Names of Docker Hub that are no registry, or not the one containerd keeps credentials for (node-side.md §2.4). */
const DOCKER_HUB = /^https?:\/\/(?:docker\.io|index\.docker\.io|registry\.hub\.docker\.com)(?:\/v[12])?\/?$/i;

/**
 * How the registry is trusted. containerd asks the token server of a registry as it asks the host that sent the
 * challenge, so the mirror's table needs them too, or a pull with tokens goes past the peer. There they make containerd
 * 1.7.10 and later try TLS on the mirror's plain port once, which answers so that plain HTTP follows (node-side.md
 * §2.3).
 */
const TLS_KEYS = ["skip_verify", "ca", "client"];

/** A host that is asked after the peer: an endpoint of a `registry.mirrors` table. */
export interface ExtraHost {
  readonly url: string;
  /** The URL's path is the whole prefix; nothing is added to it. */
  readonly overridePath: boolean;
}

/** Names of files in a registry's directory, in the form of Docker's `certs.d`. */
export interface FoundCertificates {
  readonly ca: readonly string[];
  /** Certificate and key. */
  readonly client: readonly (readonly string[])[];
}

/** What one `hosts.toml` has to say. Keys that are undefined are left to the file or to containerd. */
export interface WantedHosts {
  /** The peer's mirror; undefined when this registry does not go through it. */
  readonly mirror?: string | undefined;
  readonly capabilities: readonly string[];
  /** The registry that the peer asks; undefined lets it conclude that from `?ns=`. */
  readonly registry?: string | undefined;
  /** TLS for the registry itself, on the fallback entry at the top of the file. */
  readonly skipVerify?: boolean | undefined;
  readonly ca?: readonly string[] | undefined;
  /** Certificates in the registry's directory, which containerd takes by itself only without a `hosts.toml`. */
  readonly found?: FoundCertificates | undefined;
  readonly extraHosts?: readonly ExtraHost[] | undefined;
}

/** Whether `server` is where the registry `namespace` is found without being told. */
export function isDefaultServer(namespace: string, server: string): boolean {
  return canonicalServer(`https://${namespace}`) === canonicalServer(server);
}

/** The registry that is meant: Docker Hub has several names and one registry. */
export function canonicalServer(url: string): string {
  return DOCKER_HUB.test(url) ? "https://registry-1.docker.io" : url;
}

/**
 * The `hosts.toml` that says what is wanted. A file of somebody else keeps every byte: the peer's table goes in front
 * of its first host. The lines dfinit or Dragonfly wrote before are brought up to date where they stand. Throws
 * `invalid_argument` or `failed_precondition` when the file cannot be read or edited safely.
 */
export function editHosts(existing: string | undefined, wanted: WantedHosts): string {
  if (existing === undefined || existing.trim() === "") return newHosts(wanted);
  const present = hostsOf(parseToml(existing).values);
  const lost = (wanted.extraHosts ?? []).find(({ url }) => present[url] === undefined);
  if (lost !== undefined) {
    throw new DamselflyError("failed_precondition", `Cannot add the host ${lost.url} to a file that has hosts already`);
  }
  const withServer = editServer(existing, wanted);
  return wanted.mirror === undefined ? withServer : editMirror(withServer, wanted.mirror, wanted);
}

/** The hosts that a `hosts.toml` names, as they are written there. Throws `invalid_argument`. */
export function hostsIn(text: string): string[] {
  return Object.keys(hostsOf(parseToml(text).values));
}

/** Hosts of a `hosts.toml` whose tables lack a key of TLS that its top has for the registry. Throws `invalid_argument`. */
export function hostsLackingTls(text: string): string[] {
  const { values } = parseToml(text);
  const needed = registryTls(values).filter((key) => values[key] !== false);
  return Object.entries(hostsOf(values)).flatMap(([url, host]) =>
    needed.every((key) => isTable(host) && host[key] !== undefined) ? [] : [url]
  );
}

/** Whether a `hosts.toml` says more than dfinit would write by itself. */
export function hasForeignHosts(text: string, mirror: string): boolean {
  const { values } = parseToml(text);
  return Object.keys(values).some((key) => key !== "host") ||
    Object.keys(hostsOf(values)).some((url) => url !== mirror);
}

/** Whether a `hosts.toml` names files by a path that only works in its own directory. */
export function hasRelativePaths(text: string): boolean {
  const { values } = parseToml(text);
  const hosts = Object.values(hostsOf(values)).filter(isTable);
  const paths = [values, ...hosts].flatMap((table) => [table["ca"], table["client"]].flat(2));
  return paths.some((path) => typeof path === "string" && path !== "" && !path.startsWith("/"));
}

/** A `hosts.toml` without the peer's table and the lines with our mark; hosts that are asked after the peer stay. */
export function withoutOurs(existing: string): string {
  if (existing.trim() === "") return existing;
  const { root, values } = parseToml(existing);
  const tables = tablesOf(root);
  const ours = tables.filter(({ resolvedKey, range }) =>
    resolvedKey.length === 2 && resolvedKey[0] === "host" && lineAbove(existing, range[0]) === MIRROR_COMMENT
  ).map(({ resolvedKey }) => String(resolvedKey[1]));
  const isOurTable = ({ resolvedKey: [top, url] }: { resolvedKey: readonly (string | number)[] }) =>
    top === "host" && ours.includes(String(url));
  let text = existing;
  for (const [i, table] of [...tables.entries()].reverse()) {
    if (!isOurTable(table)) continue;
    const next = tables[i + 1];
    const end = next === undefined ? existing.length : startWithComments(existing, next.range[0]);
    text = text.slice(0, startOf(existing, table.range[0])) + text.slice(end);
  }
  const without = checked(existing, text, () => {}, (document) => {
    const hosts = hostsOf(document);
    for (const url of ours) delete hosts[url];
    if (Object.keys(hosts).length === 0) delete document["host"];
  });
  const marked = ["server", ...TLS_KEYS].filter((key) => values[key] !== undefined && isOurs(without, key));
  return marked.reduce((out, key) => removeLine(out, [key]), without);
}

/** Where a table begins: our comment above it is a part of it. */
function startOf(text: string, offset: number): number {
  const start = lineStart(text, offset);
  return lineAbove(text, offset) === MIRROR_COMMENT ? lineStart(text, start - 1) : start;
}

function newHosts(wanted: WantedHosts): string {
  const top = Object.entries(serverKeys(wanted, wanted.found)).map(([key, literal]) =>
    `${key} = ${literal} # ${MARK}\n`
  );
  const hosts = wanted.mirror === undefined ? [] : [mirrorBlock(top.join(""), wanted.mirror, wanted)];
  for (const { url, overridePath } of wanted.extraHosts ?? []) {
    const path = overridePath ? "  override_path = true\n" : "";
    hosts.push(`[${tomlKey(["host", url])}]\n  capabilities = ["pull", "resolve"]\n${path}`);
  }
  const text = [...(top.length === 0 ? [] : [top.join("")]), ...hosts].join("\n");
  parseToml(text);
  return text;
}

/** No `dial_timeout`: containerd before 2.1 does not know it, and a file does not tell which containerd reads it. */
function mirrorBlock(top: string, mirror: string, wanted: WantedHosts): string {
  const tls = Object.entries(mirrorTls(top, mirror, wanted));
  const lines = [
    MIRROR_COMMENT,
    `[${tomlKey(["host", mirror])}]`,
    `  capabilities = ${tomlArray(wanted.capabilities)}`,
    ...tls.map(([key, literal]) => `  ${key} = ${literal}`),
  ];
  if (wanted.registry !== undefined) {
    lines.push("", `[${tomlKey(["host", mirror, "header"])}]`, `  ${REGISTRY_HEADER} = ${tomlString(wanted.registry)}`);
  }
  return `${lines.join("\n")}\n`;
}

function serverKeys(wanted: WantedHosts, found?: FoundCertificates): Record<string, string> {
  const server = wanted.registry === undefined ? {} : { server: tomlString(wanted.registry) };
  // Next to a plain http server these keys would make containerd try TLS first.
  return { ...server, ...(wanted.registry?.startsWith("http:") ? {} : tlsKeys(wanted, found)) };
}

function tlsKeys({ skipVerify, ca = [] }: WantedHosts, found?: FoundCertificates): Record<string, string> {
  const authorities = [...ca, ...(found?.ca ?? [])];
  const clients = (found?.client ?? []).map(tomlArray);
  return {
    ...(skipVerify === true ? { skip_verify: "true" } : {}),
    ...(authorities.length === 0 ? {} : { ca: tomlArray(authorities) }),
    ...(clients.length === 0 ? {} : { client: `[${clients.join(", ")}]` }),
  };
}

/** What the mirror's table says of TLS: what the top of the file, as it is now, says of the registry. */
function mirrorTls(text: string, mirror: string, wanted: WantedHosts): Record<string, string> {
  const { values } = parseToml(text);
  const ofRegistry = Object.fromEntries(registryTls(values).map((key) => [key, tomlLiteral(values[key])]));
  if (!mirror.startsWith("https:")) return ofRegistry;
  // The mirror may have another authority than the registry, and one table trusts both.
  const { ca = [], ...others } = wanted;
  const registrys = ofRegistry["ca"] === undefined ? [] : [values["ca"]].flat().map(String);
  return { ...ofRegistry, ...tlsKeys({ ...others, ca: [...new Set([...ca, ...registrys])] }) };
}

/** The keys of TLS that the top of a file has; of a registry without TLS none. */
function registryTls(values: TomlTable): string[] {
  const server = values["server"];
  if (typeof server === "string" && server.startsWith("http:")) return [];
  return TLS_KEYS.filter((key) => values[key] !== undefined);
}

/** Top-level keys that carry our mark follow the configuration; others belong to whoever wrote them. */
function editServer(before: string, wanted: WantedHosts): string {
  const ours = serverKeys(wanted, wanted.found);
  const missing = serverKeys(wanted);
  let text = before;
  for (const key of ["server", ...TLS_KEYS]) {
    const value = valueAt(parseToml(text).values, [key]);
    if (value === undefined) {
      // Without a server containerd goes to the registry that the image name says, which is what the owner chose.
      const literal = missing[key];
      if (literal !== undefined && key !== "server") text = setValue(text, [key], literal, MARK);
    } else if (isOurs(text, key)) {
      const literal = ours[key];
      text = literal === undefined ? removeLine(text, [key]) : setValue(text, [key], literal);
    } else if (key === "server" && typeof value === "string" && canonicalServer(value) !== value) {
      text = setValue(text, [key], tomlString(canonicalServer(value)));
    }
  }
  return text;
}

function isOurs(text: string, key: string): boolean {
  const pair = parseToml(text).root.body.find((node) => node.type === "TOMLKeyValue" && isWithin(pathOf(node), [key]));
  return pair !== undefined && text.slice(pair.range[1], lineEnd(text, pair.range[1])).trim() === `# ${MARK}`;
}

function pathOf(node: { key: { keys: readonly ({ type: string; name?: string; value?: string })[] } }): string[] {
  return node.key.keys.map((key) => key.name ?? key.value ?? "");
}

function editMirror(before: string, mirror: string, wanted: WantedHosts): string {
  let text = renameMarked(before, mirror);
  const host = hostsOf(parseToml(text).values)[mirror];
  if (host === undefined) return insertMirror(text, mirror, wanted);
  if (!isTable(host)) {
    throw new DamselflyError("failed_precondition", `Cannot edit host.${tomlString(mirror)}: no table`);
  }
  text = update(text, ["host", mirror, "capabilities"], tomlArray(wanted.capabilities));
  const tls = mirrorTls(text, mirror, wanted);
  for (const key of TLS_KEYS) text = update(text, ["host", mirror, key], tls[key]);
  const registry = wanted.registry === undefined ? undefined : tomlString(wanted.registry);
  return update(text, ["host", mirror, "header", REGISTRY_HEADER], registry);
}

function update(text: string, path: readonly string[], literal: string | undefined): string {
  if (literal !== undefined) return setValue(text, path, literal);
  return valueAt(parseToml(text).values, path) === undefined ? text : removeLine(text, path);
}

/** A peer that moved to another port takes its table along, be it ours or the one of Dragonfly's dfinit. */
function renameMarked(text: string, mirror: string): string {
  const { root, values } = parseToml(text);
  if (hostsOf(values)[mirror] !== undefined) return text;
  const marked = tablesOf(root).find(({ resolvedKey, range }) => {
    if (resolvedKey.length !== 2 || resolvedKey[0] !== "host") return false;
    const header = valueAt(values, [...resolvedKey.map(String), "header", REGISTRY_HEADER]);
    return header !== undefined || lineAbove(text, range[0]) === MIRROR_COMMENT;
  });
  if (marked === undefined) return text;
  const old = String(marked.resolvedKey[1]);
  const after = tablesOf(root).filter(({ resolvedKey }) => isWithin(resolvedKey, ["host", old])).reverse()
    .reduce((out, { key }) => {
      const [start, end] = key.keys[1]?.range ?? key.range;
      return out.slice(0, start) + tomlString(mirror) + out.slice(end);
    }, text);
  return checked(text, after, (expected) => {
    const hosts = hostsOf(expected);
    hosts[mirror] = hosts[old] ?? {};
    delete hosts[old];
  });
}

/** containerd asks hosts in the order of their headers, so ours goes in front of the first. */
function insertMirror(text: string, mirror: string, wanted: WantedHosts): string {
  const eol = eolOf(text);
  const block = mirrorBlock(text, mirror, wanted).replaceAll("\n", eol);
  const first = tablesOf(parseToml(text).root).find(({ resolvedKey }) => resolvedKey[0] === "host");
  const added = parseToml(block).values["host"];
  const at = first === undefined ? text.length : startWithComments(text, first.range[0]);
  const gap = first !== undefined ? "" : text.endsWith("\n") ? eol : eol + eol;
  const after = `${text.slice(0, at)}${gap}${block}${first === undefined ? "" : eol}${text.slice(at)}`;
  return checked(text, after, (expected) => {
    expected["host"] = Object.assign(hostsOf(expected), added);
  });
}

function hostsOf(values: TomlTable): TomlTable {
  const hosts = values["host"];
  return isTable(hosts) ? hosts : parseToml("").values;
}

function lineAbove(text: string, offset: number): string {
  const start = lineStart(text, offset);
  return start === 0 ? "" : text.slice(lineStart(text, start - 1), start).trim();
}

/** A value of one of {@link TLS_KEYS} as it is written: a flag, a path, a list of them, or a list of lists. */
function tomlLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlLiteral).join(", ")}]`;
  return typeof value === "string" ? tomlString(value) : String(value);
}

function tomlArray(values: readonly string[]): string {
  return `[${values.map(tomlString).join(", ")}]`;
}
