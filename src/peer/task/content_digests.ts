import { createHash } from "node:crypto";
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { StoredTask } from "../storage/storage.ts";

/** Above 256 KiB the disk works off the event loop, so that others have their turn between two reads. */
const READ_BYTES = 512 * 1024;

/**
 * Digests of sealed tasks for requesters who name one that the task was not stored with: what `dfget --digest` asks of
 * a file that another one fetched without. Each content is read once, however many ask.
 */
export class ContentDigests {
  readonly #stop: AbortSignal;
  readonly #background: (work: Promise<void>) => void;
  readonly #found = new WeakMap<StoredTask, Map<DigestAlgorithm, Promise<string>>>();

  /** `stop` ends what is being read; `background` keeps the storage open meanwhile. */
  constructor(stop: AbortSignal, background: (work: Promise<void>) => void) {
    this.#stop = stop;
    this.#background = background;
  }

  /** Throws `data_loss` when the content of a sealed task has another digest than `expected`; the task stays. */
  async require(stored: StoredTask, expected: Digest | undefined, signal: AbortSignal): Promise<void> {
    if (expected === undefined) return;
    const actual = await orAbort(this.#hexOf(stored, expected.algorithm), signal);
    if (actual === expected.hex) return;
    const { taskId } = stored.record;
    throw new DamselflyError(
      "data_loss",
      `Cannot use task ${taskId}: its content has digest ${expected.algorithm}:${actual}, not ${expected.text}`,
    );
  }

  #hexOf(stored: StoredTask, algorithm: DigestAlgorithm): Promise<string> {
    const { digest } = stored.record;
    if (digest?.algorithm === algorithm) return Promise.resolve(digest.hex);
    const found = this.#found.get(stored) ?? new Map<DigestAlgorithm, Promise<string>>();
    this.#found.set(stored, found);
    const known = found.get(algorithm);
    if (known !== undefined) return known;
    const hashing = this.#hash(stored, algorithm);
    found.set(algorithm, hashing);
    this.#background(hashing.then(() => {}, () => void found.delete(algorithm)));
    return hashing;
  }

  async #hash(stored: StoredTask, algorithm: DigestAlgorithm): Promise<string> {
    using _held = stored.hold();
    const { contentLength } = stored.record.plan;
    const buffer = new Uint8Array(Math.min(READ_BYTES, contentLength));
    const hash = createHash(algorithm);
    for (let position = 0; position < contentLength;) {
      this.#stop.throwIfAborted();
      const length = await stored.read(buffer, position);
      hash.update(buffer.subarray(0, length));
      position += length;
    }
    return hash.digest("hex");
  }
}
