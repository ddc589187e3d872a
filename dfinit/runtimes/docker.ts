import { isDeepStrictEqual } from "node:util";
import {
  isObject,
  jsonAt,
  type JsonObject,
  parseJsonObject,
  prependJson,
  removeJsonItem,
  setJson,
} from "../json_edit.ts";
import { DamselflyError } from "../../src/core/error.ts";

const MIRRORS = ["registry-mirrors"];
const PROXIES = ["proxies"];
const PROXY_KEYS = ["http-proxy", "https-proxy"] as const;

/** What `daemon.json` shall say. */
export interface WantedDaemon {
  /** The URL of the peer. */
  readonly mirror: string;
  /** Make the peer the proxy of the daemon too. */
  readonly asProxy: boolean;
  /** Hosts that are reached without the proxy, besides those of the file. */
  readonly noProxy: readonly string[];
}

/**
 * `daemon.json` with the peer as the first mirror of Docker Hub, and as its proxy if that is wanted; undefined is no
 * file. Other mirrors are asked after the peer, and everything else stays. Throws `invalid_argument` for what Docker
 * could not read.
 */
export function editDaemon(existing: string | undefined, { mirror, asProxy, noProxy }: WantedDaemon): string {
  const text = withMirrorFirst(existing ?? "", mirror);
  return asProxy ? withProxy(text, mirror, noProxy) : text;
}

/**
 * Whether two texts of `daemon.json` differ in what Docker reads only when it starts: its proxies, and that there are
 * no mirrors any more, for a reload leaves alone what the file does not mention (tried with 20.10).
 */
export function needsRestart(before: string | undefined, after: string | undefined): boolean {
  const [was, is] = [parseJsonObject(before ?? ""), parseJsonObject(after ?? "")];
  if (jsonAt(was, MIRRORS) !== undefined && jsonAt(is, MIRRORS) === undefined) return true;
  return !isDeepStrictEqual(jsonAt(was, PROXIES), jsonAt(is, PROXIES));
}

/** The URLs of Docker's proxies. */
export function proxyUrls(daemon: string | undefined): string[] {
  const proxies = proxiesOf(parseJsonObject(daemon ?? ""));
  return PROXY_KEYS.map((key) => proxies[key]).filter((url) => typeof url === "string" && url !== "") as string[];
}

/** The URLs of Docker's mirrors, which are asked for images of Docker Hub. */
export function mirrorUrls(daemon: string | undefined): readonly string[] {
  return mirrorsOf(parseJsonObject(daemon ?? ""));
}

/** `daemon.json` without the peer; empty when nothing else is in it and there was no file before. */
export function daemonWithout(text: string, mirror: string, original: string | undefined): string {
  const before = parseJsonObject(original ?? "");
  const without = withoutProxy(withoutMirror(text, mirror, before), mirror, before);
  return original === undefined && Object.keys(parseJsonObject(without)).length === 0 ? "" : without;
}

function withMirrorFirst(text: string, mirror: string): string {
  const mirrors = mirrorsOf(parseJsonObject(text));
  const at = mirrors.findIndex((url) => isSame(url, mirror));
  if (at === 0) return text;
  return prependJson(at === -1 ? text : removeJsonItem(text, MIRRORS, at), MIRRORS, mirror);
}

function withoutMirror(text: string, mirror: string, original: JsonObject): string {
  const mirrors = mirrorsOf(parseJsonObject(text));
  const at = mirrors.findIndex((url) => isSame(url, mirror));
  if (at === -1 || mirrorsOf(original).some((url) => isSame(url, mirror))) return text;
  const isNew = original["registry-mirrors"] === undefined;
  return mirrors.length === 1 && isNew ? setJson(text, MIRRORS, undefined) : removeJsonItem(text, MIRRORS, at);
}

function withProxy(text: string, mirror: string, noProxy: readonly string[]): string {
  const proxies = proxiesOf(parseJsonObject(text));
  const listed = typeof proxies["no-proxy"] === "string" ? proxies["no-proxy"].split(",") : [];
  const known = new Set(listed.map((host) => host.trim()));
  const all = [...listed, ...noProxy.filter((host) => !known.has(host))];
  const withUrls = PROXY_KEYS.reduce(
    (out, key) => proxies[key] === mirror ? out : setJson(out, [...PROXIES, key], mirror),
    text,
  );
  return all.length === listed.length ? withUrls : setJson(withUrls, [...PROXIES, "no-proxy"], all.join(","));
}

/** `daemon.json` in which the peer is no proxy, unless it was one in `original`. */
export function proxyWithout(text: string, mirror: string, original: string | undefined): string {
  return withoutProxy(text, mirror, parseJsonObject(original ?? ""));
}

function withoutProxy(text: string, mirror: string, original: JsonObject): string {
  const proxies = proxiesOf(parseJsonObject(text));
  const ours = PROXY_KEYS.filter((key) => proxies[key] === mirror && proxiesOf(original)[key] !== mirror);
  if (ours.length === 0) return text;
  const isAll = original["proxies"] === undefined && Object.keys(proxies).length === ours.length;
  if (isAll) return setJson(text, PROXIES, undefined);
  return ours.reduce((out, key) => setJson(out, [...PROXIES, key], undefined), text);
}

function mirrorsOf(daemon: JsonObject): string[] {
  const mirrors = daemon["registry-mirrors"] ?? [];
  const isList = Array.isArray(mirrors) && mirrors.every((url) => typeof url === "string");
  if (isList) return mirrors;
  throw new DamselflyError("invalid_argument", "registry-mirrors is no list of URLs");
}

function proxiesOf(daemon: JsonObject): JsonObject {
  const proxies = daemon["proxies"] ?? {};
  if (isObject(proxies)) return proxies;
  throw new DamselflyError("invalid_argument", "proxies is no object");
}

/** Docker adds a slash to a URL without one. */
function isSame(a: string, b: string): boolean {
  return a.replace(/\/$/, "") === b.replace(/\/$/, "");
}
