/** A registry, tasks that have every blob, and a mirror between them, for its tests. */
import { createHash } from "node:crypto";
import { type ByteRange, resolveRange } from "../../core/byte_range.ts";
import { parsePattern } from "../../core/pattern.ts";
import type { HttpHandler } from "../../http/serve.ts";
import { type Clock, realClock } from "../../runtime/clock.ts";
import { type TestRuntime, testRuntime } from "../../testing/test_runtime.ts";
import { Exchanger } from "../source/exchange.ts";
import { createSource } from "../source/sources.ts";
import { withSharedBackoff } from "../source/source_backoff.ts";
import type { TaskHandle, TaskRequest, Tasks } from "../task/task.ts";
import { ContentEndpoint } from "./content.ts";
import { Fallbacks } from "./fallbacks.ts";
import { createMirror } from "./mirror.ts";
import { Outputs } from "./outputs.ts";
import { testDestinations } from "../../testing/destinations.ts";

export const BLOB = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
export const DIGEST = `sha256:${createHash("sha256").update(BLOB).digest("hex")}`;
export const BLOB_PATH = `/v2/team/app/blobs/${DIGEST}`;
export const MANIFEST = JSON.stringify({ schemaVersion: 2 });
export const CHALLENGE = 'Bearer realm="https://auth.example/token",service="reg",scope="repository:team/app:pull"';

/** How the registry of a test behaves beyond the usual. */
interface RegistryOptions {
  /** Requests without this `Authorization` get 401. */
  readonly authorization?: string;
  readonly answer?: (request: Request) => Response | undefined;
}

/** A registry on a free port that remembers what it was asked. */
export function startRegistry({ authorization, answer }: RegistryOptions) {
  const seen: { method: string; url: URL; headers: Headers }[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const url = new URL(request.url);
    seen.push({ method: request.method, url, headers: request.headers });
    const special = answer?.(request);
    if (special !== undefined) return special;
    if (authorization !== undefined && request.headers.get("authorization") !== authorization) {
      return Response.json({ errors: [{ code: "UNAUTHORIZED" }] }, {
        status: 401,
        headers: { "www-authenticate": CHALLENGE },
      });
    }
    if (url.pathname === BLOB_PATH) return blobAnswer(request);
    if (!url.pathname.includes("/manifests/")) return new Response(null, { status: 404 });
    const headers = {
      "content-type": "application/vnd.oci.image.index.v1+json",
      "content-length": `${MANIFEST.length}`,
    };
    return new Response(request.method === "HEAD" ? null : MANIFEST, { headers });
  });
  return {
    seen,
    origin: `http://127.0.0.1:${server.addr.port}`,
    stop: () => server.shutdown(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function blobAnswer(request: Request): Response {
  const asked = resolveRange(request.headers.get("range"), BLOB.length);
  if (asked.kind === "part") {
    const { start, end } = asked.range;
    return new Response(BLOB.slice(start, end), {
      status: 206,
      headers: { "content-range": `bytes ${start}-${end - 1}/${BLOB.length}` },
    });
  }
  return new Response(request.method === "HEAD" ? null : BLOB, { headers: { "content-length": `${BLOB.length}` } });
}

/** Tasks that have every blob at once, and say how often they were asked. */
class ReadyTasks implements Tasks {
  readonly requests: TaskRequest[] = [];
  openHandles = 0;
  responseHeaders: Record<string, string> = { "content-type": "application/vnd.oci.image.layer.v1.tar+gzip" };
  failure: Error | undefined;
  /** The stream fails after this many bytes. */
  failAfter: { readonly bytes: number; readonly error: Error } | undefined;
  /** The first bytes come when it resolves. */
  begins: Promise<void> = Promise.resolve();

  asksSourceAtOnce(): boolean {
    return false;
  }

  open(request: TaskRequest): Promise<TaskHandle> {
    this.requests.push(request);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.openHandles++;
    return Promise.resolve({
      taskId: request.taskId,
      peerId: "peer",
      contentLength: BLOB.length,
      pieceLength: BLOB.length,
      responseHeaders: this.responseHeaders,
      isLocalHit: true,
      read: (range) => this.#stream(range),
      sealed: Promise.resolve({ backToSource: 0, remotePeer: 0, localPeer: BLOB.length }),
      traffic: () => ({ backToSource: 0, remotePeer: 0, localPeer: BLOB.length }),
      [Symbol.asyncDispose]: () => Promise.resolve(void this.openHandles--),
    });
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #stream(range: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> {
    let position = range.start;
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        await this.begins;
        const left = this.failAfter === undefined ? Infinity : this.failAfter.bytes - (position - range.start);
        if (left <= 0) throw this.failAfter?.error;
        const end = Math.min(range.end, position + Math.min(10_000, left));
        if (end > position) controller.enqueue(BLOB.slice(position, end));
        position = end;
        if (position < range.end) return;
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }, { highWaterMark: 0 });
  }
}

interface Setup extends AsyncDisposable {
  readonly registry: ReturnType<typeof startRegistry>;
  readonly tasks: ReadyTasks;
  readonly runtime: TestRuntime;
  ask(path: string, init?: RequestInit, remoteIp?: string, signal?: AbortSignal): Promise<Response>;
}

export function setup(
  options: RegistryOptions = {},
  clock: Clock = realClock(),
  blobIdByDigest = true,
): Setup {
  const registry = startRegistry(options);
  const tasks = new ReadyTasks();
  const runtime = testRuntime({ clock });
  const exchange = { ...runtime, destinations: testDestinations() };
  const contents = {
    ...runtime,
    tasks,
    source: withSharedBackoff(createSource({ ...exchange, role: "peer" }), clock),
    accessLeaseTtlMs: 60_000,
    prefetch: true,
    stored: () => undefined,
    serverIp: "192.0.2.7",
  };
  const mirror: HttpHandler = createMirror({
    ...runtime,
    contents: new ContentEndpoint(contents),
    exchanger: new Exchanger(exchange),
    outputs: new Outputs(undefined, runtime.log),
    fallbacks: new Fallbacks(runtime),
    upstream: {
      defaultAddr: registry.origin,
      upstreams: [{ namespace: "reg.corp:5000", addr: registry.origin }],
    },
    rules: [{ regex: parsePattern("blobs/sha256") }],
    disableBackToSource: false,
    blobIdByDigest,
    tagLeaseMs: 0,
  });
  return {
    registry,
    tasks,
    runtime,
    ask: async (path, init, remoteIp = "127.0.0.1", signal = new AbortController().signal) =>
      await mirror(new Request(`http://127.0.0.1:4001${path}`, init), {
        remote: { hostname: remoteIp, port: 1 },
        signal,
      }),
    [Symbol.asyncDispose]: () => registry.stop(),
  };
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}
