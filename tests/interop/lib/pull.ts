/** Pulls with containerd's manners and without a containerd: cheap enough for one each second on every node. */
import { realClock } from "../../../src/runtime/clock.ts";
import type { Fetch } from "../../../src/runtime/runtime.ts";
import { pullImage, type PullProgress } from "../../../src/oci/image_pull.ts";
import { parseImageReference } from "../../../src/oci/image_reference.ts";
import type { PushedImage } from "./images.ts";

const PULL_TIMEOUT_MS = 180_000;
const PLATFORM = { os: "linux", architecture: "amd64" };

/** A node's way to an image: its peer's mirror first, and the registry. */
export interface PullRoute {
  readonly mirrorUrl: string;
  readonly registryUrl: string;
}

/** Whom to tell how far a pull is, and when to give it up. */
export interface PullWatch {
  readonly onBytes?: (done: number) => void;
  readonly timeoutMs?: number;
}

/** Pulls an image by the mirror and nowhere else: what the mirror cannot serve fails. Returns milliseconds. */
export async function pullByMirror(
  image: Pick<PushedImage, "name" | "index">,
  route: PullRoute,
  watch?: PullWatch,
): Promise<number> {
  return await pull(image, route, fetch, watch);
}

/** A pull that may go around the mirror, and how often it did. */
export interface FallbackPull {
  readonly ms: number;
  /** Requests that the registry answered because the mirror did not. */
  readonly aroundMirror: number;
}

/**
 * Pulls as containerd does with `server` in its hosts.toml: each request that the mirror does not answer, or refuses,
 * goes to the registry.
 */
export async function pullWithFallback(image: PushedImage, route: PullRoute): Promise<FallbackPull> {
  let aroundMirror = 0;
  const ms = await pull(image, route, async (input, init) => {
    try {
      const answer = await fetch(input, init);
      if (answer.ok) return answer;
      await answer.body?.cancel();
    } catch (error) {
      if (init?.signal?.aborted) throw error;
    }
    aroundMirror += 1;
    return await fetch(new URL(new URL(String(input)).pathname, route.registryUrl), init);
  });
  return { ms, aroundMirror };
}

async function pull(
  { name, index }: Pick<PushedImage, "name" | "index">,
  route: PullRoute,
  send: Fetch,
  { onBytes = () => {}, timeoutMs = PULL_TIMEOUT_MS }: PullWatch = {},
): Promise<number> {
  const clock = realClock();
  using limit = clock.deadline(timeoutMs);
  const onProgress = ({ bytesDone }: PullProgress) => onBytes(bytesDone);
  const request = { image: parseImageReference(name), endpoint: route.mirrorUrl, platform: PLATFORM, onProgress };
  // As dfinit writes it into hosts.toml: a stock mirror that gets only ?ns= takes the registry for one with TLS.
  const named: Fetch = (input, init) =>
    send(input, {
      ...init,
      headers: { ...init?.headers as Record<string, string>, "x-dragonfly-registry": route.registryUrl },
    });
  const { digest, ms } = await pullImage(request, { fetch: named, clock }, limit.signal);
  if (digest !== index.digest) throw new Error(`Cannot pull ${name}: got ${digest} for ${index.digest}`);
  return Math.round(ms);
}
