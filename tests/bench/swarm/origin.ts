/** What a registry sends of the layers of one image, by its own log. */
import { realClock } from "../../../src/runtime/clock.ts";
import { blobBytes, type Registry, type RegistryRequest } from "../../e2e/lib/registry.ts";
import type { PushedImage } from "../../interop/lib/images.ts";
import type { OriginCount } from "./figures.ts";

/** The registry logs a request when it has ended, which may be after the pulls have. */
const SETTLED_MS = 1_000;
const LOOKS_MAX = 15;

/** Watches an image from now on. */
export class OriginWitness {
  readonly #registry: Registry;
  readonly #digests: ReadonlySet<string>;

  constructor(registry: Registry, { layers }: Pick<PushedImage, "layers">) {
    registry.forget();
    this.#registry = registry;
    this.#digests = new Set(layers.map(({ digest }) => digest));
  }

  /** What it has sent, once nothing more is added. */
  async count(): Promise<OriginCount> {
    const clock = realClock();
    const never = new AbortController().signal;
    let known = -1;
    for (let look = 0; look < LOOKS_MAX; look++) {
      const { length } = this.#layerRequests();
      if (length === known) break;
      known = length;
      await clock.sleep(SETTLED_MS, never);
    }
    const requests = this.#layerRequests();
    return {
      bytes: [...blobBytes(requests).values()].reduce((all, bytes) => all + bytes, 0),
      requests: requests.length,
    };
  }

  #layerRequests(): RegistryRequest[] {
    return this.#registry.requests().filter(({ method, path }) =>
      method === "GET" && this.#digests.has(path.split("/").at(-1) ?? "")
    );
  }
}
