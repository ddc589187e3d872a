import { isIP } from "node:net";
import { gzipSync } from "node:zlib";
import { DamselflyError, errorText } from "../core/error.ts";
import { isLoopback } from "../http/destination.ts";
import type { HttpHandler } from "../http/serve.ts";
import { Profile } from "../rpc/gen/perftools/profiles/profile.ts";
import type { Clock } from "../runtime/clock.ts";
import { type AdjustableLog, LOG_LEVELS, type LogLevel } from "../runtime/log.ts";
import type { Profiler } from "../runtime/profiler.ts";
import { cpuPprof, heapPprof } from "./pprof.ts";

const SECONDS_DEFAULT = 10;
const SECONDS_MAX = 300;
const LEVEL_CHARACTERS_MAX = 16;

/** What {@link debugHandler} shows and changes. */
export interface DebugParts {
  readonly profiler: Profiler;
  readonly log: AdjustableLog;
  readonly clock: Clock;
}

/**
 * `GET /debug/pprof/profile` and `/debug/pprof/heap`, in the format of pprof or, with `format=v8`, of Chromium's tools;
 * `seconds` says how long is looked, 10 unless it is another number. `GET` and `PUT /log/level`: the level of the log,
 * until the next start or reload. Only callers of this machine are answered, whatever the address, who ask by an address or
 * as localhost. Profiles hold names of functions and no content.
 */
export function debugHandler(parts: DebugParts): HttpHandler {
  let isBusy = false;
  return async function debug(request, { remote, signal }) {
    if (!isLoopback(remote.hostname)) return text(403, "Only programs of this machine may ask\n");
    const { hostname, pathname, searchParams } = new URL(request.url);
    if (!isOwnName(hostname)) return text(403, "Ask by address, or as localhost\n");
    if (pathname === "/log/level") return await logLevel(request, parts.log);
    if (pathname !== "/debug/pprof/profile" && pathname !== "/debug/pprof/heap") return text(404, "Not found\n");
    if (request.method !== "GET") return text(405, "Only GET\n", { allow: "GET" });
    const seconds = Number(searchParams.get("seconds") ?? SECONDS_DEFAULT);
    if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
      return text(400, `seconds must be above 0, and ${SECONDS_MAX} at most\n`);
    }
    if (isBusy) return text(409, "Another profile is being made; ask again later\n");
    isBusy = true;
    try {
      const kind = pathname === "/debug/pprof/heap" ? "heap" : "cpu";
      return await profile(kind, { isOfV8: searchParams.get("format") === "v8", seconds }, parts, signal);
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error;
      return text(error.code === "permission_denied" ? 501 : 503, `${errorText(error)}\n`);
    } finally {
      isBusy = false;
    }
  };
}

/** A page of a name that leads to this machine, to whose browser it was sent, must not read what is here. */
function isOwnName(hostname: string): boolean {
  return hostname === "localhost" || isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
}

async function profile(
  kind: "cpu" | "heap",
  { isOfV8, seconds }: { readonly isOfV8: boolean; readonly seconds: number },
  { profiler, clock }: DebugParts,
  signal: AbortSignal,
): Promise<Response> {
  const made = kind === "cpu"
    ? { kind, found: await profiler.cpu(seconds * 1_000, signal) } as const
    : { kind, found: await profiler.heap(seconds * 1_000, signal) } as const;
  if (isOfV8) {
    const disposition = `attachment; filename="damselfly.${kind}profile"`;
    return Response.json(made.found, { headers: { "content-disposition": disposition } });
  }
  const wallMs = clock.wallMs();
  const converted = made.kind === "cpu" ? cpuPprof(made.found, wallMs) : heapPprof(made.found, wallMs);
  const headers = {
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename="damselfly.${kind}.pb.gz"`,
  };
  return new Response(new Uint8Array(gzipSync(Profile.encode(converted).finish())), { headers });
}

async function logLevel(request: Request, log: AdjustableLog): Promise<Response> {
  if (request.method === "GET") return text(200, `${log.level}\n`);
  if (request.method !== "PUT") return text(405, "Only GET and PUT\n", { allow: "GET, PUT" });
  const length = Number(request.headers.get("content-length") ?? Infinity);
  const level = length <= LEVEL_CHARACTERS_MAX ? (await request.text()).trim() : "";
  if (!isLogLevel(level)) return text(400, `Send one of ${LOG_LEVELS.join(", ")}\n`);
  log.setLevel(level);
  log.warn("The level of the log was changed by a program of this machine", { level });
  return text(200, `${level}\n`);
}

function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
}
