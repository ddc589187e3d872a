import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { ContentCoding } from "./content_coding.ts";

const PackedFile = z.object({ type: z.string(), etag: z.string(), gzip: z.base64(), br: z.base64() });
export type PackedFile = z.infer<typeof PackedFile>;

/** The console as its build leaves it: one JSON text, which a bundle can hold as well as a file. */
const ConsolePack = z.object({
  /** The hash of what it was built from. */
  sources: z.string(),
  /** The paths of its pages, as a router writes them: `/clusters/:id`. */
  pages: z.array(z.string().startsWith("/")),
  /** What every page begins with. */
  index: PackedFile,
  /** By path. Names hold the hash of the content, so that what is at a path never changes. */
  assets: z.record(z.string().startsWith("/assets/"), PackedFile),
});
export type ConsolePack = z.infer<typeof ConsolePack>;

/** A file of the console, compressed when it was built. */
export interface ConsoleFile {
  readonly type: string;
  readonly etag: string;
  /** Its bytes in a coding. */
  body(coding: ContentCoding): Uint8Array<ArrayBuffer>;
}

/** The console as the manager serves it: known files and pages, and no other path. */
export interface ConsoleFiles {
  readonly index: ConsoleFile;
  asset(path: string): ConsoleFile | undefined;
  /** Whether the console has a page at a path. */
  isPage(path: string): boolean;
}

/** Reads what the build wrote. Fails with `data_loss` when it is something else. */
export function parseConsolePack(text: string): ConsoleFiles {
  let pack: ConsolePack;
  try {
    pack = ConsolePack.parse(JSON.parse(text));
  } catch (cause) {
    throw new DamselflyError("data_loss", "Cannot read the built console: build it again with `deno task console`", {
      cause,
    });
  }
  const assets = new Map(Object.entries(pack.assets).map(([path, file]) => [path, fileOf(file)]));
  const pages = pack.pages.map(patternOf);
  return {
    index: fileOf(pack.index),
    asset: (path) => assets.get(path),
    isPage: (path) => pages.some((page) => page.test(path)),
  };
}

function fileOf({ type, etag, gzip, br }: PackedFile): ConsoleFile {
  const coded = { gzip: Uint8Array.from(Buffer.from(gzip, "base64")), br: Uint8Array.from(Buffer.from(br, "base64")) };
  return {
    ...{ type, etag },
    // Hardly anybody asks for the plain bytes, so they are not kept.
    body: (coding) => coding === "identity" ? Uint8Array.from(gunzipSync(coded.gzip)) : coded[coding],
  };
}

/** `/clusters/:id` as what its paths look like; a slash at the end makes no other page. */
function patternOf(page: string): RegExp {
  const segments = page.split("/").filter((segment) => segment !== "");
  const pattern = segments.map((segment) => segment.startsWith(":") ? "/[^/]+" : `/${RegExp.escape(segment)}`).join("");
  return new RegExp(`^${pattern}/?$`);
}
