import type { ByteRange } from "../../core/byte_range.ts";

/** How an object storage is reached, and with whose rights: `s3://bucket/key` says neither. Used in flight, never kept. */
export interface ObjectStorageAccess {
  /** Where requests are signed for; `us-east-1` when left out. */
  readonly region?: string | undefined;
  /** URL of the storage; with `{bucket}` in it the bucket is a part of the host name. That of AWS when left out. */
  readonly endpoint?: string | undefined;
  /** Left out, requests are not signed: a public bucket. */
  readonly accessKeyId?: string | undefined;
  readonly accessKeySecret?: string | undefined;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
  /** The endpoint's certificate is not checked. */
  readonly insecureSkipVerify?: boolean | undefined;
}

/** What to fetch from an origin, and with whose rights. Credentials are in `headers`, used in flight, never kept. */
export interface SourceRequest {
  /** `http:`, `https:` or `s3:`, see `location.ts`. */
  readonly url: string;
  /** Only of `s3:` URLs. */
  readonly objectStorage?: ObjectStorageAccess | undefined;
  /** Header names in lower case. `range`, `host` and hop-by-hop headers are not part of it. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The address that asks, which decides where the request and its redirects may go. Left out: a program of this host,
   * which asked over the unix socket.
   */
  readonly remoteIp?: string;
  /** Looks at where redirects lead; throws for a place where the requester may not go. */
  readonly checkRedirect?: ((to: URL) => void) | undefined;
  /** PEM texts of authorities that vouch for the origin, besides those that are trusted for all requests. */
  readonly authorities?: readonly string[] | undefined;
}

/** What the origin says of a content. */
export interface SourceStat {
  readonly contentLength: number;
  /** Whether parts can be had; otherwise the content comes as one stream from its first byte. */
  readonly acceptsRanges: boolean;
  /** Headers worth replaying to later requesters: type, digest, validators. Never cookies, dates or lengths. */
  readonly responseHeaders: Readonly<Record<string, string>>;
}

/** `details` of a `source_error`: what the origin answered, to be mirrored to the requester. */
export interface SourceAnswer {
  /** Undefined when there was no answer at all: connection refused, TLS failure, no such name, time-out. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the refusal, at most 64 KiB. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** It sent the whole content when asked for a part that does not start at 0: only a stream from 0 can be had. */
  readonly ignoresRange?: boolean;
  /** It has another version of the content now: what was fetched before and what would come do not belong together. */
  readonly isOtherVersion?: boolean;
  /** It has the content, and does not say how long it is: see {@link SourceStream}. */
  readonly hasNoLength?: boolean;
}

/** The content that a part is wanted of. */
export interface SourceContent {
  readonly contentLength: number;
  /**
   * The validators of the version that is wanted (`etag`, `last-modified`), as {@link SourceStat.responseHeaders} has
   * them; other headers do not matter. Undefined when a digest decides what is right.
   */
  readonly version?: Readonly<Record<string, string>> | undefined;
}

/** A content of which the origin has begun to send all. */
export interface BegunContent {
  readonly stat: SourceStat;
  /** Whoever has it ends the transfer. */
  readonly body: SourceBody;
}

/** A body that is read into the caller's buffer; disposing it ends the transfer. */
export interface SourceBody extends AsyncDisposable {
  /** The validators of the version that it is of, as in {@link SourceContent.version}. */
  readonly version: Readonly<Record<string, string>>;
  /** The count of bytes read into `buffer` (at least 1), or `null` at the end. A body cut short throws. */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<{ bytes: Uint8Array<ArrayBuffer> } | null>;
}

/** One thing below a directory of an origin. */
export interface SourceEntry {
  readonly url: string;
  /** 0 of a directory. */
  readonly contentLength: number;
  readonly isDirectory: boolean;
}

/**
 * The origins: registries, plain HTTP servers and object storages. Every failure is a `source_error` with a {@link SourceAnswer}, but
 * for the signal's own, and `permission_denied` for an address where the requester may not go. Redirects are followed
 * inside, each looked at as the first URL is, credentials stripped when host, port or scheme changes.
 */
export interface Source {
  /** Asks for length and headers with the requester's own rights, without fetching the content. */
  stat(request: SourceRequest, signal: AbortSignal): Promise<SourceStat>;
  /** Begins to fetch all of a content of unknown length: one request in place of a {@link stat} and a {@link read}. */
  begin(request: SourceRequest, signal: AbortSignal): Promise<BegunContent>;
  /**
   * Fetches `range` of a content. The answer is validated: 206 with exactly this range and total, or 200 with this
   * length when the range starts at 0, both of the wanted version; anything else throws.
   */
  read(
    request: SourceRequest,
    range: ByteRange,
    content: SourceContent,
    signal: AbortSignal,
  ): Promise<SourceBody>;
}

/** Contents whose origin does not say how long they are; no swarm can share them. */
export interface SourceStream {
  /** All of a content, up to where its origin ends it. Throws as {@link Source} does. */
  readToEnd(request: SourceRequest, signal: AbortSignal): Promise<SourceBody>;
}

/** The directories of origins that have some. */
export interface SourceList {
  /**
   * Everything below a directory, whose URL ends with a slash. Throws as {@link Source} does, `unimplemented` for HTTP,
   * which has no directories, and `resource_exhausted` when there is too much.
   */
  list(request: SourceRequest, signal: AbortSignal): Promise<SourceEntry[]>;
}

/** How a source was asked, by whomever. */
export interface SourceQuestion {
  readonly url: string;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** Left out when there was no answer; `error` says why. */
  readonly status?: number;
  readonly error?: unknown;
}
