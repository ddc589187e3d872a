/**
 * Pulls an image the way containerd does (node-side.md §2.4): resolve with HEAD, index, manifest, config and layers by
 * digest, three blobs at a time, everything hashed on the way, nothing kept.
 */
import { createHash } from "node:crypto";
import { parseContentRange } from "../core/byte_range.ts";
import { parseDigest } from "../core/digest.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import type { ImageReference } from "./image_reference.ts";
import { ACCEPT_ANY_IMAGE, DOCUMENT_BYTES_MAX, getImageDocument, wrongDigest } from "./image_document.ts";
import { type Credentials, PullClient, type PullEffects } from "./image_pull_client.ts";
import { chooseEntries, type Descriptor, type ImageDocument } from "./image_pull_manifest.ts";
import type { Platform } from "./platform.ts";

/** containerd's own limits and defaults. */
const BLOBS_AT_ONCE = 3;
const RESUMES_WITHOUT_PROGRESS_MAX = 3;

/** How far a pull is; the total is known from the first layer on. */
export interface PullProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** What to pull, and through whom. */
export interface PullRequest {
  readonly image: ImageReference;
  /** Where requests go: a mirror, or the registry itself. */
  readonly endpoint: string;
  readonly platform: Platform;
  readonly credentials?: Credentials;
  readonly onProgress?: (progress: PullProgress) => void;
}

/** A pulled image. */
export interface PulledImage {
  /** Digest of what the name stands for: the index, if there is one. */
  readonly digest: string;
  readonly layers: readonly Descriptor[];
  /** Bytes of the config and the layers. */
  readonly bytes: number;
  readonly ms: number;
}

/**
 * Pulls an image and checks every digest. Throws `unavailable`, `timeout`, `unauthenticated`, `permission_denied`,
 * `not_found`, `source_error` (any other refusal), `data_loss` (a content that is not what its digest says).
 */
export async function pullImage(
  request: PullRequest,
  effects: PullEffects,
  signal: AbortSignal,
): Promise<PulledImage> {
  const startedAt = effects.clock.now();
  const pull = new Pull(request, effects, signal);
  const digest = await pull.resolve();
  const { blobs: all, layers } = await pull.manifestFor(digest);
  const blobs = [...new Map(all.map((blob) => [blob.digest, blob])).values()];
  await pull.blobs(blobs);
  return { digest, layers, bytes: totalSize(blobs), ms: effects.clock.now() - startedAt };
}

function totalSize(blobs: readonly Descriptor[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

class Pull {
  readonly #request: PullRequest;
  readonly #client: PullClient;
  readonly #signal: AbortSignal;
  #bytesDone = 0;

  constructor(request: PullRequest, effects: PullEffects, signal: AbortSignal) {
    const { image: { namespace, repository }, endpoint, credentials } = request;
    const target = { endpoint, namespace, repository, ...(credentials === undefined ? {} : { credentials }) };
    this.#request = request;
    this.#client = new PullClient(target, effects);
    this.#signal = signal;
  }

  /** The digest that the name stands for now. */
  async resolve(): Promise<string> {
    const { image } = this.#request;
    const path = `manifests/${image.digest?.text ?? image.tag}`;
    const headers = { accept: ACCEPT_ANY_IMAGE };
    const head = await this.#client.send("HEAD", path, headers, this.#signal);
    if (!head.ok && head.status !== 405) throw await this.#client.refusal(head, `Cannot resolve ${this.#name()}`);
    const digest = image.digest?.text ?? head.headers.get("docker-content-digest");
    const isComplete = head.ok && head.headers.has("content-length");
    if (isComplete && digest !== null) return parseDigest(digest).text;
    const answer = await this.#client.send("GET", path, headers, this.#signal);
    if (!answer.ok) throw await this.#client.refusal(answer, `Cannot resolve ${this.#name()}`);
    const bytes = await this.#client.readAll(answer, DOCUMENT_BYTES_MAX, `manifest ${this.#name()}`);
    return image.digest?.text ?? `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  }

  /** The manifest for our platform, through the index if there is one. */
  async manifestFor(digest: string): Promise<ImageDocument & { kind: "manifest" }> {
    const found = await this.#document(digest, ACCEPT_ANY_IMAGE);
    if (found.kind === "manifest") return found;
    const [chosen] = chooseEntries(found, this.#request.platform);
    const document = chosen && await this.#document(chosen.digest, `${chosen.mediaType}, */*`);
    if (document?.kind === "manifest") return document;
    throw new DamselflyError("source_error", `Cannot pull ${this.#name()}: its index points to another index`);
  }

  async #document(digest: string, accept: string): Promise<ImageDocument> {
    return await getImageDocument(this.#client, digest, { accept }, this.#signal);
  }

  /** Pulls blobs, a few at a time; the first failure ends the others. */
  async blobs(blobs: readonly Descriptor[]): Promise<void> {
    const bytesTotal = totalSize(blobs);
    const failure = new AbortController();
    const signal = AbortSignal.any([this.#signal, failure.signal]);
    const report = (bytes: number) => {
      this.#bytesDone += bytes;
      this.#request.onProgress?.({ bytesDone: this.#bytesDone, bytesTotal });
    };
    report(0);
    const waiting = blobs.values();
    const work = async () => {
      for (const blob of waiting) await this.#blob(blob, report, signal);
    };
    const workers = Array.from({ length: BLOBS_AT_ONCE }, () => work());
    for (const worker of workers) worker.catch((error) => failure.abort(error));
    await Promise.allSettled(workers);
    signal.throwIfAborted();
  }

  /** Pulls one blob; a body that ends early is resumed where it broke off. */
  async #blob(blob: Descriptor, report: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const { algorithm, hex } = parseDigest(blob.digest);
    const hash = createHash(algorithm);
    let done = 0;
    let resumes = 0;
    const take = (chunk: Uint8Array) => {
      done += chunk.length;
      if (done > blob.size) throw wrongDigest(blob.digest);
      resumes = 0;
      hash.update(chunk);
      report(chunk.length);
    };
    for (;;) {
      const reason = await this.#blobFrom(blob, done, take, signal);
      if (done === blob.size) break;
      resumes += 1;
      if (resumes < RESUMES_WITHOUT_PROGRESS_MAX) continue;
      const message = `Cannot get blob ${blob.digest}: it broke off at byte ${done} of ${blob.size}: ${reason}`;
      throw new DamselflyError("unavailable", message);
    }
    if (hash.digest("hex") !== hex) throw wrongDigest(blob.digest);
  }

  /** Takes a blob from an offset on, to its end or to where its body breaks off; returns why it ended. */
  async #blobFrom(
    { digest }: Descriptor,
    offset: number,
    take: (chunk: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<string> {
    const headers = { accept: "*/*", ...(offset === 0 ? {} : { range: `bytes=${offset}-` }) };
    const answer = await this.#client.send("GET", `blobs/${digest}`, headers, signal);
    if (!answer.ok) throw await this.#client.refusal(answer, `Cannot get blob ${digest}`);
    const start = answer.status === 206 ? parseContentRange(answer.headers.get("content-range"))?.range.start : 0;
    if (start === undefined || start > offset) {
      await answer.body?.cancel();
      throw new DamselflyError("source_error", `Cannot resume blob ${digest}: the answer is for another range`);
    }
    let skip = offset - start; // a server that ignores Range sends the whole blob again
    const chunks = this.#client.chunks(answer);
    try {
      for (;;) {
        const next = await chunks.next().catch((error) => errorText(error));
        signal.throwIfAborted();
        if (typeof next === "string") return next;
        if (next.done === true) return "the body ended";
        const chunk = next.value.subarray(skip);
        skip -= next.value.length - chunk.length;
        if (chunk.length > 0) take(chunk);
      }
    } finally {
      await chunks.return(undefined);
    }
  }

  #name(): string {
    const { namespace, repository, tag, digest } = this.#request.image;
    return `${namespace}/${repository}${digest === undefined ? `:${tag}` : `@${digest.text}`}`;
  }
}
