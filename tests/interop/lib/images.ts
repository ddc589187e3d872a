/** Images that are made on the spot, the registry that has them, and what each of them has cost it. */
import assert from "node:assert/strict";
import type { Descriptor } from "../../../src/oci/image_pull_manifest.ts";
import { pushSample } from "../../e2e/lib/push_sample.ts";
import { blobBytes, type Registry } from "../../e2e/lib/registry.ts";
import { waitFor } from "../../e2e/lib/wait.ts";
import { makeImageAside } from "./image_aside.ts";
import { together } from "./together.ts";

const MIB = 1024 * 1024;
/** What is smaller goes past the swarm in Dragonfly: 4 MiB when compressed, which halves these. */
const LAYER_BYTES = [12 * MIB, 20 * MIB];
const SETTLE_TIMEOUT_MS = 60_000;
/** A request that only asks how long a blob is gets at most this much of it. */
const PROBE_BYTES = 1;

/** An image in the registry. */
export interface PushedImage {
  /** What users pull. */
  readonly name: string;
  readonly repository: string;
  readonly index: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Makes images that share no blob, and keeps count of what the registry sends of them. */
export class Images {
  readonly registry: Registry;
  readonly #namespace: string;
  readonly #evidence: (digest: string) => Promise<string>;
  #made = 0;

  /**
   * `namespace` is the registry part of the images' names; it tells those of one run from those of another. `evidence`
   * says of a layer who asked for it and what became of that.
   */
  constructor(registry: Registry, namespace: string, evidence: (digest: string) => Promise<string>) {
    this.registry = registry;
    this.#namespace = namespace;
    this.#evidence = evidence;
  }

  /** A new image with layers of half of these bytes, by default 6 and 10 MiB; its tag is `v1`. */
  async fresh(layerBytes: readonly number[] = LAYER_BYTES): Promise<PushedImage> {
    const number = ++this.#made;
    const repository = `ring/image-${number}`;
    const image = await makeImageAside({ layerBytes, seed: `${this.#namespace}-${number}` });
    await pushSample(image, `${this.registry.url}/v2/${repository}`, "v1");
    const { index, layers } = image;
    return { name: `${this.#namespace}/${repository}:v1`, repository, index, layers };
  }

  /** Bytes that the registry has sent of each layer, in copies of it. */
  copies(image: PushedImage): number[] {
    const sent = blobBytes(this.registry.requests().filter(({ bytes }) => bytes > PROBE_BYTES));
    return image.layers.map(({ digest, size }) => (sent.get(digest) ?? 0) / size);
  }

  /** Fails unless the registry has sent each layer just once since the image was made. It logs when a body ends. */
  async assertOneCopy(image: PushedImage, when: string): Promise<void> {
    await waitFor("a copy of each layer in the registry's log", SETTLE_TIMEOUT_MS, () => {
      return this.copies(image).every((copies) => copies >= 1) || undefined;
    }).catch(() => {}); // what came instead is told below
    const copies = this.copies(image);
    const wrong = image.layers.filter((_, index) => copies[index] !== 1);
    if (wrong.length === 0) return;
    const evidence = await together(wrong.map(({ digest }) => this.#evidence(digest)));
    assert.fail(`The layers cost ${copies.join(" and ")} copies, ${when}\n${evidence.join("\n")}`);
  }
}
