import { createHash } from "node:crypto";
import { DamselflyError } from "./error.ts";

const MINUTE_MS = 60_000;

/** How long a task of the persistent cache may be kept (wire.md §1.4). */
export const CACHE_TTL_MS = { min: 5 * MINUTE_MS, max: 7 * 24 * 60 * MINUTE_MS } as const;

/** Replicas that may be asked for. */
export const CACHE_REPLICAS_MAX = 1_000;

/** What besides the content decides which task of the persistent cache it is. */
export interface CacheTaskIdInput {
  readonly tag?: string | undefined;
  readonly application?: string | undefined;
  /** Only a piece length that somebody asked for, in bytes. */
  readonly pieceLength?: number | undefined;
}

/** Takes the bytes of a content in order, and tells the id of its task (wire.md §3.1). */
export interface CacheTaskIdHash {
  update(bytes: Uint8Array): void;
  taskId(): string;
}

/** The id of a task of the persistent cache, from its content. */
export function cacheTaskIdHash({ tag = "", application = "", pieceLength }: CacheTaskIdInput): CacheTaskIdHash {
  const hash = createHash("sha256");
  const rest = [tag, application, pieceLength ?? "", "PERSISTENT_CACHE"].join("");
  return {
    update: (bytes) => void hash.update(bytes),
    taskId: () => hash.copy().update(rest).digest("hex"),
  };
}

/** Checks the id of a task of the persistent cache that somebody names. Throws `invalid_argument`. */
export function checkCacheTaskId(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  const shown = text.slice(0, 160);
  throw new DamselflyError("invalid_argument", `Cannot find task "${shown}": its id is not 64 lower-case hex digits`);
}
