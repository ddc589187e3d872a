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

const rule = z.strictObject({
  regex: parsed("regular expression", parsePattern, (pattern) => pattern.text).default(parsePattern(".*")).describe(
    "Matched anywhere in the URL without its query; a match of a GET goes to the swarm.",
  ),
  useTLS: flag().default(false).describe("Ask the source by https whatever the request said.").meta({
    ignored: "write the registry's address in proxy.registryMirror.upstreams",
  }),
  redirect: text("host:port").optional().describe("Ask this host instead of the one in the URL.").meta({
    ignored: "write the registry's address in proxy.registryMirror.upstreams",
  }),
  filteredQueryParams: list(text(), 1000).optional().describe(
    "Query parameters that do not tell one content from another; left out, those of well-known signed URLs.",
  ),
});

const upstream = z.strictObject({
  namespace: text("registry host").describe("Registry as image names write it, such as docker.io or reg.corp:5000."),
  addr: httpUrl().describe("URL that the registry is reached by; http:// for a registry without TLS."),
  ca: path().optional().describe("PEM file of authorities that are trusted for this registry besides the system's."),
  skipVerify: flag().default(false).describe("Do not check the certificate of this registry.").meta({
    ignored: "certificates are always checked, write the registry's authority as ca",
  }),
}).superRefine(({ addr, ca, skipVerify }, context) => {
  if (!addr.startsWith("http:") || (ca === undefined && !skipVerify)) return;
  context.addIssue({ code: "custom", path: ["addr"], message: "ca and skipVerify need an https:// address" });
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

const server = section({
  ip: ip().default("127.0.0.1").describe(
    "IP address the mirror and proxy listen on, open to any client that reaches it; 0.0.0.0 in Dragonfly.",
  ),
  port: port().default(4001).describe("Port the mirror and proxy listen on."),
  requestRateLimit: int(1).default(4000).describe("Most requests per second.").meta({
    ignored: "requests are not limited by rate",
  }),
  caCert: path().optional().describe("PEM file of the authority that signs certificates of intercepted hosts.").meta({
    ignored: "TLS is tunnelled, not intercepted",
  }),
  caKey: path().optional().describe("PEM file of the key of that authority.").meta({
    ignored: "TLS is tunnelled, not intercepted",
  }),
  basicAuth: z.strictObject({
    username: text().max(20).describe("User name."),
    password: text().max(20).describe("Password."),
  }).optional().describe(
    "User and password that each request must bring as Proxy-Authorization, those of the mirror too; a container runtime does when its hosts.toml has that header.",
  ),
}, "Listener of the mirror and proxy.");

/** `proxy.*` of dfdaemon. */
export const proxy = section({
  server,
  rules: list(rule).default([
    { regex: parsePattern(BLOB_PATTERN), useTLS: false },
  ]).describe("Which requests go to the swarm, while the others pass straight through; none in Dragonfly."),
  registryMirror,
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
  prefetch: flag().default(true).describe("Download the whole task when a range of it is asked for.").meta({
    ignored: "a task is always downloaded whole",
  }),
  prefetchBandwidthLimit: size().default(10e9).describe("Most bytes per second of prefetching.").meta({
    ignored: "prefetching is not limited by rate",
  }),
  readBufferSize: size().default(READ_BUFFER_BYTES).describe("Buffer of one response, in bytes.").meta({
    ignored: "buffers have a fixed size",
  }),
}, "Registry mirror and forward proxy.");
