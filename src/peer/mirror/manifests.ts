import { type Digest, tryParseDigest } from "../../core/digest.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { RequestInfo } from "../../http/serve.ts";
import { DOCUMENT_BYTES_MAX } from "../../oci/image_document.ts";
import { mediaTypeOf, parseImageDocument } from "../../oci/image_pull_manifest.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BoundedLabels } from "../../runtime/bounded_labels.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";
import { SharedCalls } from "../../runtime/shared_calls.ts";
import type { Exchanger } from "../source/exchange.ts";
import type { SourceQuestion, SourceRequest } from "../source/source.ts";
import { isOutOfReach, isTrouble } from "./absent_registry.ts";
import { subjectKey } from "./access_leases.ts";
import { contentUrl, digestContent, type DigestRequest } from "./digest_content.ts";
import { type ContentEndpoint, subjectOf } from "./content.ts";
import { refusalWithoutBody } from "./failure.ts";
import { type Asked, passThrough } from "./pass_through.ts";
import { SeldomLog } from "./seldom_log.ts";
import { type KnownTag, TagMemory } from "./tag_memory.ts";

/** What says that an answer is not the registry's last word (RFC 9111 §5.5, as it was before). */
const STALE_WARNING = '110 - "Response is Stale"';

/** What a registry says of a tag. */
export interface AnsweredTag {
  /** Its host and port. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** What {@link Manifests} needs. */
export interface ManifestParts {
  readonly contents: ContentEndpoint;
  readonly exchanger: Exchanger;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** `proxy.tagLease`, in milliseconds. */
  readonly tagLeaseMs: number;
  /** Told of what a registry says of a tag that somebody asks for. */
  readonly onTag?: (answer: AnsweredTag) => void;
  /** Told of each question that was sent. */
  readonly onTagAsked?: (asked: SourceQuestion) => void;
}

/** A request for a manifest or index. */
export type ManifestRequest = Omit<DigestRequest, "digest" | "collection" | "deliver"> & {
  readonly asked: Asked;
  readonly info: RequestInfo;
};

/** What a registry answered to a HEAD: it has no body, so that many may have it. */
interface HeadAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * Manifests and indexes. By digest they are tasks as blobs are. A tag is asked for at its registry by one HEAD for all
 * who ask at the same time with the same rights; while the registry cannot answer, or is too busy to, what it said last
 * counts for those whom it told, within `proxy.tagLease`. Who gets a manifest may have what it names and its repository
 * has, so that a pull of what a host has asks a registry for rights once and not for each blob.
 */
export class Manifests {
  readonly #parts: ManifestParts;
  readonly #tags: TagMemory;
  readonly #log: SeldomLog;
  readonly #staleTotal: Counter;
  readonly #labels = new BoundedLabels();
  readonly #heads = new SharedCalls<HeadAnswer>();

  constructor(parts: ManifestParts) {
    this.#parts = parts;
    this.#tags = new TagMemory(parts.clock, parts.tagLeaseMs);
    this.#log = new SeldomLog(parts);
    const help = "Requests for a tag that were answered as its registry said before, for it does not answer now";
    this.#staleTotal = parts.metrics.counter("damselfly_client_stale_tag_total", help, ["registry"]);
  }

  /** Answers GET and HEAD by digest. Throws what {@link ContentEndpoint.serve} throws. */
  async byDigest(asked: ManifestRequest, digest: Digest): Promise<Response> {
    const headers = new Headers(asked.request.headers);
    // Registries answer a part of a manifest with all of it; so may we.
    headers.delete("range");
    const request = new Request(asked.request.url, { method: asked.request.method, headers });
    const answer = await this.#parts.contents.serve(
      digestContent({ ...asked, request, digest, collection: "manifests" }),
    );
    const isShort = Number(answer.headers.get("content-length")) <= DOCUMENT_BYTES_MAX;
    if (request.method === "HEAD" || answer.status !== 200 || !isShort) return answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const { headers: told } = answer;
    if (this.#mayHaveNamed(asked, bytes) && !told.has("content-type")) told.set("content-type", mediaTypeOf(bytes));
    return new Response(bytes, { status: answer.status, headers: told });
  }

  /** Answers GET and HEAD by tag. Throws what {@link Exchanger.send} throws, and {@link byDigest}. */
  async byTag(asked: ManifestRequest): Promise<Response> {
    // A query may be what the registry lets a requester in for: the answer says nothing of who asks without it.
    if (hasQuery(asked.asked.url)) return await passThrough(this.#parts, asked.request, asked.asked, asked.info);
    const key = this.#keyOf(asked);
    const known = this.#tags.get(key);
    let head: HeadAnswer;
    try {
      head = await this.#heads.join(key, (signal) => this.#head(asked, signal), asked.info.signal);
    } catch (error) {
      if (known === undefined || !isOutOfReach(error)) throw error;
      return await this.#stale(asked, known, errorText(error));
    }
    if (isTrouble(head.status)) {
      if (known !== undefined) return await this.#stale(asked, known, `HTTP ${head.status}`);
      // What it has said of a body is of one that was not sent.
      return asked.request.method === "HEAD" ? answerOf(head) : await refusalWithoutBody(answerOf(head));
    }
    const answered = new Headers([...head.headers].map(pair));
    const digest = tryParseDigest(answered.get("docker-content-digest") ?? "");
    if (head.status === 200 && digest !== undefined) {
      this.#tags.remember(key, digest, answered);
      this.#parts.onTag?.({
        registry: asked.registry.host,
        repository: asked.repository,
        tag: tagOf(asked),
        digest: digest.text,
      });
      this.#mayHave(asked, "manifests", digest.text);
    } else this.#tags.forget(key);
    if (asked.request.method === "HEAD") return answerOf(head);
    if (head.status !== 200 || digest === undefined) {
      return await passThrough(this.#parts, asked.request, asked.asked, asked.info);
    }
    return await this.byDigest(asked, digest);
  }

  /** Without conditions, which are about one requester's copy, and without cookies, which are for one. */
  async #head(asked: ManifestRequest, signal: AbortSignal): Promise<HeadAnswer> {
    const { url, headers } = asked.request;
    const request = new Request(url, { method: "HEAD", headers: contentHeaders(headers) });
    const { clock, onTagAsked } = this.#parts;
    const askedAt = clock.now();
    const tell = (end: Pick<SourceQuestion, "status" | "error">) => {
      onTagAsked?.({ url: `${asked.registry.origin}${asked.asked.url.pathname}`, ms: clock.now() - askedAt, ...end });
    };
    try {
      const answer = await passThrough(this.#parts, request, asked.asked, { ...asked.info, signal });
      await answer.body?.cancel();
      tell({ status: answer.status });
      return { status: answer.status, headers: [...answer.headers].filter(([name]) => name !== "set-cookie") };
    } catch (error) {
      if (!signal.aborted) tell({ error });
      throw error;
    }
  }

  async #stale(asked: ManifestRequest, { digest, headers }: KnownTag, reason: string): Promise<Response> {
    const { registry, repository, request } = asked;
    const tag = tagOf(asked);
    this.#staleTotal.inc(this.#labels.of({ registry: registry.host }));
    const what = { repository, tag, digest: digest.text, reason };
    this.#log.warn(registry.host, "Tags are answered as their registry said before, for it does not answer now", what);
    this.#mayHave(asked, "manifests", digest.text);
    const answer = request.method === "HEAD" ? new Response(null, { headers }) : await this.byDigest(asked, digest);
    answer.headers.set("warning", STALE_WARNING);
    return answer;
  }

  /**
   * A right to a manifest is a right to what it names and its repository is known to have: whoever may push one may write
   * into it what he likes, and not each registry looks at all of that. False: it is no manifest.
   */
  #mayHaveNamed(asked: ManifestRequest, bytes: Uint8Array): boolean {
    try {
      const document = parseImageDocument(bytes);
      const [collection, named] = document.kind === "index"
        ? ["manifests", document.manifests] as const
        : ["blobs", document.blobs] as const;
      for (const { digest } of named) this.#parts.contents.grantKnown(sourceOf(asked, collection, digest));
      return true;
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error;
      return false;
    }
  }

  #mayHave(asked: ManifestRequest, collection: Collection, digest: string): void {
    this.#parts.contents.grant(sourceOf(asked, collection, digest));
  }

  /** Which tag, asked for by whom; also for which kinds of manifests, for there may be one for each. */
  #keyOf({ request, remoteIp, registry, asked }: ManifestRequest): string {
    const headers = contentHeaders(request.headers);
    const url = `${registry.origin}${asked.url.pathname} ${headers["accept"] ?? ""}`;
    return subjectKey(subjectOf({ url, headers, remoteIp }));
  }
}

type Collection = DigestRequest["collection"];

/** A content of the same repository, as the requester would ask for it. */
function sourceOf(
  { registry, repository, request, remoteIp }: ManifestRequest,
  collection: Collection,
  digest: string,
): SourceRequest {
  const url = contentUrl({ registry, repository, collection, digest });
  return { url, headers: contentHeaders(request.headers), remoteIp };
}

function tagOf({ asked: { url } }: ManifestRequest): string {
  return url.pathname.split("/").at(-1) ?? "";
}

/** Whether a request has parameters besides the one that names its registry. */
function hasQuery({ searchParams }: URL): boolean {
  return [...searchParams.keys()].some((name) => name !== "ns");
}

function answerOf({ status, headers }: HeadAnswer): Response {
  return new Response(null, { status, headers: [...headers].map(pair) });
}

function pair([name, value]: readonly [name: string, value: string]): [string, string] {
  return [name, value];
}
