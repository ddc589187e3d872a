/** A server in front of a registry, for what the registry itself is not set up for: TLS, logins, and a stop half-way. */
import { readFileSync } from "node:fs";
import type { Login } from "./cri.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { tokenDoor } from "./token_door.ts";

/** What goes wrong with a request. */
export interface FrontTrouble {
  /** Nothing is said for so long. */
  readonly delayMs?: number;
  /** Said instead of what the registry says. */
  readonly refusal?: Response;
  /** How fast the body comes. */
  readonly bytesPerSecond?: number;
}

/** How the front differs from the registry behind it. */
export interface FrontOptions {
  readonly ip: string;
  /** The registry behind it. */
  readonly target: string;
  /** 0, as when it is left out, takes a free one. */
  readonly port?: number;
  /** The files of a certificate and its key. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The one login that is let in. */
  readonly login?: Login;
  /** Who gets tokens, and the one repository for which he gets them. */
  readonly readers?: readonly (Login & { readonly repository: string })[];
  /** What goes wrong with a request now. */
  readonly troubleOf?: (request: Request) => FrontTrouble | undefined;
}

/** A running front. */
export interface RegistryFront extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** User agents of the requests that were let in for blobs. */
  readonly blobAgents: string[];
  /** Ranges of those that asked for a part. */
  readonly blobRanges: string[];
  /**
   * From now on a blob of at least `bytesMin` stops half-way. Resolves when one has, with what lets all of them go on.
   */
  holdBlobs(bytesMin: number): Promise<() => void>;
}

const clock = realClock();

/** Starts a front. */
export function startFront(
  { ip, port: wantedPort = 0, target, tls, login, readers, troubleOf }: FrontOptions,
): RegistryFront {
  const blobAgents: string[] = [];
  const blobRanges: string[] = [];
  let hold: { readonly bytesMin: number; readonly reached: () => void; readonly released: Promise<void> } | undefined;
  const pem = tls === undefined ? {} : { cert: readFileSync(tls.cert, "utf8"), key: readFileSync(tls.key, "utf8") };
  const door = readers !== undefined ? tokenDoor(readers) : login !== undefined ? basicDoor(login) : () => undefined;
  const server = Deno.serve({ hostname: ip, port: wantedPort, onListen: () => {}, ...pem }, async (request) => {
    const { delayMs = 0, refusal: said, bytesPerSecond } = troubleOf?.(request) ?? {};
    if (delayMs > 0) await clock.sleep(delayMs, request.signal);
    const refusal = said ?? door(request);
    if (refusal !== undefined) return refusal;
    const { pathname, search } = new URL(request.url);
    const isBlob = request.method === "GET" && pathname.includes("/blobs/");
    if (isBlob) blobAgents.push(request.headers.get("user-agent") ?? "");
    const range = request.headers.get("range");
    if (isBlob && range !== null) blobRanges.push(range);
    const headers = new Headers(request.headers);
    for (const name of ["host", "authorization", "accept-encoding"]) headers.delete(name);
    const answer = await fetch(target + pathname + search, { method: request.method, headers });
    const length = Number(answer.headers.get("content-length"));
    const held = hold === undefined || !isBlob || length < hold.bytesMin
      ? answer.body
      : answer.body?.pipeThrough(stopAt(length / 2, hold)) ?? null;
    const body = bytesPerSecond === undefined ? held : held?.pipeThrough(slowed(bytesPerSecond)) ?? null;
    return new Response(body, { status: answer.status, headers: answer.headers });
  });
  const { port } = server.addr;
  return {
    port,
    url: `${tls === undefined ? "http" : "https"}://${ip}:${port}`,
    blobAgents,
    blobRanges,
    holdBlobs(bytesMin) {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      hold = { bytesMin, reached: reached.resolve, released: released.promise };
      return reached.promise.then(() => () => {
        hold = undefined;
        released.resolve();
      });
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Lets in who has this login; what it returns is sent to others. */
function basicDoor({ username, password }: Login): (request: Request) => Response | undefined {
  const wanted = `Basic ${btoa(`${username}:${password}`)}`;
  const refusal = () => new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="front"' } });
  return (request) => request.headers.get("authorization") === wanted ? undefined : refusal();
}

function stopAt(
  bytes: number,
  { reached, released }: { readonly reached: () => void; readonly released: Promise<void> },
) {
  let passed = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      passed += chunk.length;
      controller.enqueue(chunk);
      if (passed < bytes) return;
      reached();
      await released;
    },
  });
}

/** The same bytes, each chunk after the time that it takes at this speed. */
function slowed(bytesPerSecond: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const left = new AbortController();
  return new TransformStream({
    async transform(chunk, controller) {
      await clock.sleep(1_000 * chunk.length / bytesPerSecond, left.signal);
      controller.enqueue(chunk);
    },
    cancel: (reason) => left.abort(reason),
  });
}
