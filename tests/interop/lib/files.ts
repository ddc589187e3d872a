/** A server of plain files that counts what it gives: the origin of what dfget downloads. */
import { createCipheriv, createHash } from "node:crypto";
import { contentRangeHeader, resolveRange } from "../../../src/core/byte_range.ts";
import { serve } from "./http_server.ts";

/** Above the 4 MiB from which Dragonfly shares at all: two pieces of 4 MiB, and a part of one. */
const FILE_BYTES = 9 * 1024 * 1024;
/** A request that only asks how long a file is gets at most this much of it. */
const PROBE_BYTES = 1;
const PATH = /^\/files\/\d+$/;

/** A file that nobody has asked for yet. */
export interface ServedFile {
  readonly url: string;
  /** Hex SHA-256 of the content. */
  readonly sha256: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes given so far, in copies of the file. */
  copies(): number;
  /** Values of a request header, of all requests so far. */
  headers(name: string): string[];
}

/** Serves as many files as are asked for; their content is one, their URLs differ. */
export interface FileServer extends AsyncDisposable {
  fresh(): ServedFile;
  /** A URL that is answered with 404. */
  readonly missingUrl: string;
}

/** Starts the server on a free port of `ip`. */
export function startFileServer(ip: string): FileServer {
  const bytes = noise(FILE_BYTES);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const given = new Map<string, { bytes: number; headers: Headers[] }>();
  const server = serve(ip, ({ url, method, headers }) => {
    const { pathname } = new URL(url);
    const entry = given.get(pathname);
    if (entry === undefined || !PATH.test(pathname)) return new Response("not here", { status: 404 });
    entry.headers.push(headers);
    const asked = resolveRange(headers.get("range"), bytes.length);
    if (asked.kind === "unsatisfiable") return new Response(null, { status: 416 });
    const range = asked.kind === "part" ? asked.range : { start: 0, end: bytes.length };
    const part = bytes.subarray(range.start, range.end);
    if (method === "GET" && part.length > PROBE_BYTES) entry.bytes += part.length;
    return new Response(method === "HEAD" ? null : part, {
      status: asked.kind === "part" ? 206 : 200,
      headers: {
        "accept-ranges": "bytes",
        "content-length": `${part.length}`,
        ...(asked.kind === "part" ? { "content-range": contentRangeHeader(range, bytes.length) } : {}),
      },
    });
  });
  let made = 0;
  return {
    missingUrl: `${server.url}/missing`,
    fresh() {
      const path = `/files/${++made}`;
      const entry = { bytes: 0, headers: [] as Headers[] };
      given.set(path, entry);
      return {
        ...{ url: `${server.url}${path}`, sha256, bytes },
        copies: () => entry.bytes / bytes.length,
        headers: (name) => entry.headers.flatMap((headers) => headers.get(name) ?? []),
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Bytes that are the same in each run, and do not compress. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 1), Buffer.alloc(16));
  const bytes = new Uint8Array(cipher.update(Buffer.alloc(length)));
  cipher.final();
  return bytes;
}
