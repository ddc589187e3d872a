import { parseSize } from "../../config/sizes.ts";
import { askedPieceLength } from "../../core/piece.ts";
import { REQUEST_HEADERS } from "../../http/dragonfly_headers.ts";

const PRIORITY_DEFAULT = 6;
const PRIORITY_MAX = 6;

/** Where the requester wants the content besides. */
export interface WantedOutput {
  readonly path: string;
  readonly forceHardLink: boolean;
}

/** What a requester wishes for his task, by `X-Dragonfly-*` headers (node-side.md §3.8). */
export interface TaskWishes {
  /** The task is to be shared although no rule says so. */
  readonly useSwarm: boolean;
  /** 0 to 6; what is no such number is 6, as in the stock proxy. */
  readonly priority: number;
  /** What is told of the task, and is part of an id that is made from a URL. */
  readonly labels: { readonly tag?: string; readonly application?: string; readonly pieceLength?: number };
  /** Instead of those of the rule. */
  readonly filteredQueryParams: readonly string[] | undefined;
  /** Whether the id of a blob is its digest; undefined when nothing is said. */
  readonly blobIdByDigest: boolean | undefined;
  /** What the id of the task is made from, instead of the URL or the digest. */
  readonly contentForTaskId: string | undefined;
  readonly output: WantedOutput | undefined;
  /** Whether the rest is fetched too when a range is asked for; undefined when nothing is said. */
  readonly prefetch: boolean | undefined;
  /** Headers that change nothing here, and why. */
  readonly ignored: readonly string[];
}

/** Reads the wishes of a request. Throws `invalid_argument` for what cannot be done. */
export function taskWishes(headers: Headers): TaskWishes {
  const wish = (name: keyof typeof REQUEST_HEADERS) => headers.get(REQUEST_HEADERS[name]) ?? undefined;
  const [tag, application, path] = [wish("tag"), wish("application"), wish("outputPath")];
  const piece = wish("pieceLength");
  const priority = Number(wish("priority") ?? PRIORITY_DEFAULT);
  const forceHardLink = isTrue(wish("forceHardLink"));
  return {
    useSwarm: isTrue(wish("useP2p")),
    priority: Number.isInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX ? priority : PRIORITY_DEFAULT,
    labels: {
      ...(tag !== undefined && { tag }),
      ...(application !== undefined && { application }),
      ...(piece !== undefined && { pieceLength: askedPieceLength(parseSize(piece)) }),
    },
    filteredQueryParams: listOf(wish("filteredQueryParams"), ",") ?? listOf(wish("filter"), "&"),
    blobIdByDigest: switchOf(wish("blobIdByDigest")),
    contentForTaskId: wish("contentForTaskId"),
    prefetch: switchOf(wish("prefetch")),
    output: path === undefined ? undefined : { path, forceHardLink },
    ignored: [
      ...(forceHardLink && path === undefined
        ? [`${REQUEST_HEADERS.forceHardLink}: there is no ${REQUEST_HEADERS.outputPath}`]
        : []),
    ],
  };
}

function listOf(text: string | undefined, separator: string): string[] | undefined {
  return text?.split(separator).map((name) => name.trim()).filter((name) => name !== "");
}

/** True or false; undefined when it is neither. */
function switchOf(text: string | undefined): boolean | undefined {
  const word = text?.trim().toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === "true";
}
