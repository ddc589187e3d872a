/** A registry that stands still in the middle of a blob for as long as a test wants. */
import { parseContentRange } from "../../../src/core/byte_range.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { waitFor } from "../../e2e/lib/wait.ts";
import { serve, type TestServer } from "./http_server.ts";

const HELD_TIMEOUT_MS = 60_000;
const MIB = 1024 * 1024;
/** Bytes of a blob from here on are held: two pieces of a stock peer come, and the others do not. */
const HELD_FROM = 8 * MIB;

/** A blob that is being held. */
export interface Hold extends Disposable {
  /** Resolves when somebody waits for bytes that he does not get. */
  reached(): Promise<void>;
  /** Lets all bytes through, from now on. */
  release(): void;
}

/** A request that went to the registry. */
export interface AskedRequest {
  /** In ISO 8601. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly range: string;
  readonly userAgent: string;
}

/** A way to a registry, with a tap. */
export interface HoldingRegistry extends TestServer {
  /** All requests so far, in the order of their beginnings. */
  asked(): readonly AskedRequest[];
  /** Holds what is asked of a blob from now on. */
  hold(digest: string): Hold;
}

interface Tap {
  readonly released: Promise<void>;
  waiting: number;
}

/** Starts the tap on a free port of `ip`, in front of the registry at `registryUrl`. */
export function startHoldingRegistry(ip: string, registryUrl: string): HoldingRegistry {
  const taps = new Map<string, Tap>();
  const asked: AskedRequest[] = [];
  const clock = realClock();
  const server = serve(ip, async ({ url, method, headers }, signal) => {
    const { pathname, search } = new URL(url);
    const [at, range, userAgent] = [
      new Date(clock.wallMs()).toISOString(),
      headers.get("range"),
      headers.get("user-agent"),
    ];
    asked.push({ at, method, path: pathname, range: range ?? "all", userAgent: userAgent ?? "nobody" });
    const answer = await fetch(new URL(pathname + search, registryUrl), { method, headers, signal });
    const tap = method === "GET" ? taps.get(pathname.split("/").at(-1) ?? "") : undefined;
    if (tap === undefined || answer.body === null) return answer;
    const start = parseContentRange(answer.headers.get("content-range"))?.range.start ?? 0;
    return new Response(answer.body.pipeThrough(heldAfter(Math.max(0, HELD_FROM - start), tap)), answer);
  });
  return {
    namespace: server.namespace,
    url: server.url,
    asked: () => asked,
    hold(digest) {
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const tap: Tap = { released, waiting: 0 };
      taps.set(digest, tap);
      return {
        release,
        reached: async () => {
          await waitFor("a request that is held", HELD_TIMEOUT_MS, () => tap.waiting > 0 || undefined);
        },
        [Symbol.dispose]() {
          release();
          taps.delete(digest);
        },
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Passes so many bytes, and the others when the tap is open. */
function heldAfter(passed: number, tap: Tap): TransformStream<Uint8Array, Uint8Array> {
  let left = passed;
  return new TransformStream({
    async transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      const rest = chunk.subarray(left);
      left -= chunk.length - rest.length;
      if (rest.length === 0) return;
      tap.waiting += 1;
      await tap.released;
      left = Infinity;
      controller.enqueue(rest);
    },
  });
}
