import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import { parsePattern } from "../core/pattern.ts";
import { duration, flag, httpUrl, int, ip, list, parsed, path, port, section, size, text } from "./fields.ts";

const READ_BUFFER_BYTES = 512 * 1024;
const BLOB_PATTERN = "blobs/sha256.*";

/** A registry by its name, with `*.` for any name in front, or by its URL. Throws `invalid_argument` for anything else. */
function parseAllowedRegistry(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `https://${text.replace(/^\*\./, "")}`;
  if (/[\s*?#@]/.test(url) || !URL.canParse(url) || !["/", ""].includes(new URL(url).pathname)) {
    throw new DamselflyError(
      "invalid_argument",
      "expected a registry such as docker.io, reg.corp:5000, *.corp or http://reg.corp:5000",
    );
  }
  return text.replace(/\/$/, "");
}
const pattern = () => parsed("regular expression", parsePattern, (pattern) => pattern.text);

const hostAndPort = () =>
  text("host:port").refine((host) => {
    return URL.canParse(`http://${host}`) && new URL(`http://${host}`).href === `http://${host.toLowerCase()}/`;
  }, "expected a host, or host:port, without a scheme and without a path");

const rule = z.strictObject({
  regex: pattern().default(parsePattern(".*")).describe(
    "Matched anywhere in the URL without its query; a match of a GET goes to the swarm.",
  ),
  useTLS: flag().default(false).describe("Ask the source by https whatever the request said."),
  redirect: hostAndPort().optional().describe("Ask this host instead of the one in the URL, with all that was sent."),
  direct: flag().default(false).describe("A match passes straight through, and no later rule counts."),
  filteredQueryParams: list(text(), 1000).optional().describe(
    "Query parameters that do not tell one content from another; left out, those of well-known signed URLs.",
  ),
});

const listedHost = z.strictObject({
  host: text("host").optional().describe("Name or address, as requests write it."),
  regex: pattern().optional().describe("Or a pattern, matched anywhere in the name."),
  ports: list(int(1, 65535)).default([]).describe("Ports that may be asked for; left out, all."),
}).refine(({ host, regex }) => host !== undefined || regex !== undefined, "it needs host or regex");

const upstream = z.strictObject({
  namespace: text("registry host").describe("Registry as image names write it, such as docker.io or reg.corp:5000."),
  addr: httpUrl().describe("URL that the registry is reached by; http:// for a registry without TLS."),
  ca: path().optional().describe("PEM file of authorities that are trusted for this registry besides the system's."),
  cert: path().optional().describe("PEM file of the certificate that this registry is shown."),
  key: path().optional().describe("PEM file of the key of that certificate."),
  skipVerify: flag().default(false).describe(
    "Do not check the certificate of this registry: whoever is on the way to it reads what is sent, passwords included.",
  ),
}).superRefine(({ addr, ca, cert, key, skipVerify }, context) => {
  if ((cert === undefined) !== (key === undefined)) {
    const message = "cert and key belong together: write both, or none";
    context.addIssue({ code: "custom", path: [cert === undefined ? "cert" : "key"], message });
  }
  if (!addr.startsWith("http:") || (ca === undefined && cert === undefined && !skipVerify)) return;
  context.addIssue({ code: "custom", path: ["addr"], message: "ca, cert and skipVerify need an https:// address" });
});

const upstreams = list(upstream).superRefine((rows, context) => {
  const seen = new Set<string>();
  for (const [index, { namespace }] of rows.entries()) {
    if (seen.has(namespace)) {
      context.addIssue({
        code: "custom",
        path: [index, "namespace"],
        message: `"${namespace}" is already in the list`,
      });
    }
    seen.add(namespace);
  }
});

const registryMirror = section({
  addr: httpUrl().default("https://index.docker.io").describe(
    "Registry of requests that do not say which one they mean.",
  ),
  upstreams: upstreams.default([]).describe(
    "How registries are reached that are not found by https:// and their namespace.",
  ),
  cert: path().optional().describe(
    "PEM file of authorities that are trusted for all registries besides the system's; in Dragonfly nobody else is.",
  ),
  enableTaskIDBasedBlobDigest: flag().default(true).describe(
    "A blob is one task whatever registry it came from; false in Dragonfly, where it is one task per URL.",
  ),
}, "Registries behind the mirror.");

const server = intercepting(section({
  ip: ip().default("127.0.0.1").describe(
    "IP address the mirror and proxy listen on, open to any client that reaches it; 0.0.0.0 in Dragonfly.",
  ),
  port: port().default(4001).describe("Port the mirror and proxy listen on."),
  requestRateLimit: int(1).default(4000).describe(
    "Most requests per second; those above it wait for two seconds at most, and then get 503. 429 at once in Dragonfly.",
  ),
  caCert: path().optional().describe(
    "PEM file of the authority that signs certificates of intercepted hosts, for clients of the proxy to trust; left out, TLS is tunnelled unread.",
  ),
  caKey: path().optional().describe("PEM file of the key of that authority, ECDSA or RSA."),
  generateCA: flag().default(false).describe("Make that authority at the first start, when there are no such files."),
  interceptHosts: list(pattern()).optional().describe(
    "Hosts whose TLS ends at the proxy, so that their blobs come through the swarm: matched anywhere in host:port. Left out, the registries of proxy.registryMirror but for Docker Hub; in Dragonfly every host.",
  ),
  basicAuth: z.strictObject({
    username: text().max(20).describe("User name."),
    password: text().max(20).describe("Password."),
  }).optional().describe(
    "User and password that each request must bring as Proxy-Authorization, those of the mirror too; a container runtime does when its hosts.toml has that header.",
  ),
}, "Listener of the mirror and proxy."));

/** Refuses a table with a part of what interception needs. */
function intercepting<
  S extends z.ZodType<{
    readonly caCert?: string | undefined;
    readonly caKey?: string | undefined;
    readonly generateCA: boolean;
    readonly interceptHosts?: readonly unknown[] | undefined;
  }>,
>(table: S): S {
  return table.refine(
    ({ caCert, caKey }) => (caCert === undefined) === (caKey === undefined),
    "caCert and caKey belong together: write both, or none",
  ).refine(
    ({ caCert, generateCA, interceptHosts }) => caCert !== undefined || (!generateCA && interceptHosts === undefined),
    "generateCA and interceptHosts need caCert and caKey, the files of an authority",
  );
}

/** `proxy.*` of dfdaemon. */
export const proxy = section({
  server,
  rules: list(rule).default([
    { regex: parsePattern(BLOB_PATTERN), useTLS: false, direct: false },
  ]).describe("Which requests go to the swarm, while the others pass straight through; none in Dragonfly."),
  registryMirror,
  whiteList: list(listedHost).optional().describe(
    "Hosts that requests by URL and tunnels may go to, redirects of tasks included; left out, all. The mirror goes to registries in any case.",
  ),
  disableBackToSource: flag().default(false).describe("Fail rather than download a task from its source."),
  allowedRegistries: list(parsed("registry", parseAllowedRegistry)).optional().describe(
    "Registries that requests may name, such as docker.io, reg.corp:5000, *.corp or http://reg.corp:5000, besides those of registryMirror; left out: any. Name those of dfinit.yaml here where processes of a node shall not share contents by a registry of their own.",
  ),
  accessLeaseTtl: duration().default(5 * 60_000).describe(
    "How long a successful check of a requester's right to a manifest or blob is remembered.",
  ),
  tagLease: duration().default(3_600_000).describe(
    "How long the last known image of a tag, and the right to it, counts while its registry cannot be reached or answers 429 or 5xx; 0s: never.",
  ),
  allowOutputPath: flag().default(true).describe(
    "Let processes of this host have contents written to files that do not exist yet, by X-Dragonfly-Output-Path.",
  ),
  prefetch: flag().default(true).describe(
    "Download the whole task when a range of it is asked for; otherwise only what is read, and who holds a part is of little use to others. False in Dragonfly.",
  ),
  prefetchBandwidthLimit: size().refine((bytes) => bytes > 0, "must be more than 0").default(10e9).describe(
    "Most bytes per second of what is downloaded beyond the ranges that are read, of all tasks together.",
  ),
  readBufferSize: size().default(READ_BUFFER_BYTES).describe("Buffer of one response, in bytes.").meta({
    ignored: "buffers have a fixed size",
  }),
}, "Registry mirror and forward proxy.");
