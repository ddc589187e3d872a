/** Users who go on pulling while the cluster below them is exchanged. */
import { realClock } from "../../../src/runtime/clock.ts";
import { errorText } from "../../../src/core/error.ts";
import type { PushedImage } from "./images.ts";

const INTERVAL_MS = 1_000;

/** A node that can pull. */
export interface PullingNode {
  readonly name: string;
  /** Pulls an image that it does not have; resolves to how many requests went around the mirror, where that is known. */
  pull(image: PushedImage): Promise<number>;
}

/** What came of the pulls. */
export interface PullSummary {
  readonly pulls: number;
  /** Seconds at which no node was free for a pull. */
  readonly skipped: number;
  readonly aroundMirror: number;
  readonly slowestMs: number;
  /** One sentence for each pull that failed. */
  readonly failures: readonly string[];
}

/** A pull each second, by the nodes in turn, until it is stopped; a node pulls one image at a time. */
export class SteadyPulls implements AsyncDisposable {
  readonly #nodes: readonly PullingNode[];
  readonly #images: readonly PushedImage[];
  readonly #stopping = new AbortController();
  readonly #busy = new Map<PullingNode, Promise<void>>();
  readonly #failures: string[] = [];
  readonly #done: Promise<void>;
  #pulls = 0;
  #skipped = 0;
  #aroundMirror = 0;
  #slowestMs = 0;
  #doing = "nothing";

  constructor(nodes: readonly PullingNode[], images: readonly PushedImage[]) {
    this.#nodes = nodes;
    this.#images = images;
    this.#done = this.#run();
  }

  /** What goes on meanwhile; it is named with a pull that fails. */
  during(what: string): void {
    this.#doing = what;
  }

  /** Begins no further pull, and waits for those that have begun. */
  async stop(): Promise<PullSummary> {
    this.#stopping.abort();
    await this.#done;
    await Promise.all(this.#busy.values());
    return {
      ...{ pulls: this.#pulls, skipped: this.#skipped, aroundMirror: this.#aroundMirror },
      ...{ slowestMs: this.#slowestMs, failures: this.#failures },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const clock = realClock();
    for (let second = 0; !this.#stopping.signal.aborted; second += 1) {
      const image = this.#images[second % this.#images.length];
      const turn = [...this.#nodes.keys()].map((i) => this.#nodes[(second + i) % this.#nodes.length]);
      const node = turn.find((one) => one !== undefined && !this.#busy.has(one));
      if (node === undefined || image === undefined) this.#skipped += 1;
      else this.#busy.set(node, this.#pull(node, image).finally(() => this.#busy.delete(node)));
      await clock.sleep(INTERVAL_MS, this.#stopping.signal).catch(() => {});
    }
  }

  async #pull(node: PullingNode, image: PushedImage): Promise<void> {
    const clock = realClock();
    const startedAt = clock.now();
    const doing = this.#doing;
    this.#pulls += 1;
    try {
      this.#aroundMirror += await node.pull(image);
    } catch (error) {
      this.#failures.push(`${node.name}, begun at: ${doing}, ended at: ${this.#doing}: ${errorText(error)}`);
    }
    this.#slowestMs = Math.max(this.#slowestMs, Math.round(clock.now() - startedAt));
  }
}
