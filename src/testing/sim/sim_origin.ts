import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import type {
  BegunContent,
  Source,
  SourceAnswer,
  SourceBody,
  SourceList,
  SourceRequest,
  SourceStat,
} from "../../peer/source/source.ts";
import { GRAIN_BYTES, type SimContent } from "./content.ts";
import type { Flow } from "./flow_net.ts";
import type { SimNet, SimNode } from "./sim_net.ts";

/** What the peers' own HTTP client gives a source for the head of an answer, and between two bytes. */
const HEAD_TIMEOUT_MS = 25_000;
const IDLE_TIMEOUT_MS = 30_000;

/** How the origin fares. */
export type OriginMood =
  | { readonly kind: "well" }
  | { readonly kind: "refuses"; readonly status: number; readonly retryAfterS?: number }
  | { readonly kind: "hangs" }
  /** Bodies end after so many bytes. */
  | { readonly kind: "breaks"; readonly afterBytes: number };

/** A registry that remembers what it gave. */
export class SimOrigin {
  readonly node: SimNode;
  readonly contents = new Map<string, SimContent>();
  mood: OriginMood = { kind: "well" };
  /** Requests for bytes, and bytes given, by content. */
  readonly requests = new Map<string, number>();
  readonly given = new Map<string, number>();
  readonly #net: SimNet;
  /** Bodies that wait for its recovery. */
  readonly #held = new Set<Flow>();

  constructor(net: SimNet, node: SimNode) {
    this.#net = net;
    this.node = node;
  }

  /** Is well again; what was held back goes on. */
  recover(): void {
    this.mood = { kind: "well" };
    for (const flow of this.#held) this.#net.flows.cut(flow, false);
    this.#held.clear();
  }

  /** The URL of a content, as a registry has it. */
  urlOf(content: SimContent): string {
    const url = `https://registry.sim/v2/app/blobs/${content.digest.text}`;
    this.contents.set(url, content);
    return url;
  }

  /** The origin as one host sees it. */
  sourceFor(node: SimNode): Source & SourceList {
    return {
      list: () => Promise.reject(new DamselflyError("unimplemented", "Cannot list: this origin has no directories")),
      stat: (request, signal) => this.#stat(node, request, signal),
      begin: (request, signal) => this.#begin(node, request, signal),
      read: (request, range, _content, signal) => this.#read(node, request, range, signal),
    };
  }

  async #stat(node: SimNode, request: SourceRequest, signal: AbortSignal): Promise<SourceStat> {
    return statOf(await this.#head(node, request, signal));
  }

  async #begin(node: SimNode, request: SourceRequest, signal: AbortSignal): Promise<BegunContent> {
    const content = await this.#head(node, request, signal);
    return {
      stat: statOf(content),
      body: this.#body(node, request, content, { start: 0, end: content.length }, signal),
    };
  }

  async #read(node: SimNode, request: SourceRequest, range: ByteRange, signal: AbortSignal): Promise<SourceBody> {
    return this.#body(node, request, await this.#head(node, request, signal), range, signal);
  }

  #body(
    node: SimNode,
    { url }: SourceRequest,
    content: SimContent,
    range: ByteRange,
    signal: AbortSignal,
  ): SourceBody {
    this.requests.set(url, (this.requests.get(url) ?? 0) + 1);
    const flow = this.#net.start(this.node, node, range.end - range.start);
    let position = range.start;
    const { flows, clock } = this.#net;
    return {
      version: {},
      read: async () => {
        if (position >= range.end) return null;
        const end = Math.min(range.end, GRAIN_BYTES * (Math.floor(position / GRAIN_BYTES) + 1));
        if (this.mood.kind === "hangs") {
          flows.cut(flow, true);
          this.#held.add(flow);
        }
        try {
          await this.#net.moved(flow, end - range.start, IDLE_TIMEOUT_MS, signal);
        } catch {
          signal.throwIfAborted();
          throw failure(url, "the connection broke");
        }
        if (flow.movedBy(clock.now()) < end - range.start - 1) throw failure(url, "no byte came");
        const { mood } = this;
        if (mood.kind === "breaks" && position - range.start >= mood.afterBytes) throw failure(url, "it broke off");
        const bytes = content.block(position, end);
        position += bytes.length;
        this.given.set(url, (this.given.get(url) ?? 0) + bytes.length);
        return { bytes };
      },
      [Symbol.asyncDispose]: () => {
        flows.end(flow);
        return Promise.resolve();
      },
    };
  }

  /** The head of an answer: there and back. */
  async #head({ ip }: SimNode, { url }: SourceRequest, signal: AbortSignal): Promise<SimContent> {
    const { clock } = this.#net;
    const latencyMs = this.#net.latencyMs(ip, this.node.ip);
    const isSilent = latencyMs === undefined || this.mood.kind === "hangs";
    await clock.sleep(isSilent ? HEAD_TIMEOUT_MS : 2 * latencyMs, signal);
    if (isSilent) throw failure(url, "no answer");
    const { mood } = this;
    if (mood.kind === "refuses") {
      const headers = mood.retryAfterS === undefined ? {} : { "retry-after": String(mood.retryAfterS) };
      throw failure(url, `it answered ${mood.status}`, { status: mood.status, headers });
    }
    const content = this.contents.get(url);
    if (content === undefined) throw failure(url, "it answered 404", { status: 404 });
    return content;
  }
}

function statOf({ length }: SimContent): SourceStat {
  return { contentLength: length, acceptsRanges: true, responseHeaders: {} };
}

function failure(url: string, what: string, answer: Partial<SourceAnswer> = {}): DamselflyError {
  const details: SourceAnswer = { status: undefined, headers: {}, body: new Uint8Array(0), ...answer };
  return new DamselflyError("source_error", `Cannot fetch ${url}: ${what}`, { details });
}
