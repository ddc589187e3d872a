import { createHash } from "node:crypto";
import { join } from "node:path/posix";
import * as z from "zod";
import { DamselflyError } from "../src/core/error.ts";
import type { HostFiles } from "./host_files.ts";
import { RefusalError } from "./plan.ts";

/** The name is no `.toml`, `.conf` or `.yaml`, so that no runtime reads it. */
const RECORD_NAME = "dfinit.damselfly.json";

const FILES_MAX = 10_000;

const recordedFile = z.strictObject({
  path: z.string().startsWith("/"),
  /** Of what dfinit wrote last, so that a change by somebody else shows. */
  sha256: z.string(),
  /** There was such a file before dfinit; the copy next to it is what it held. */
  existed: z.boolean(),
  /** Folders that dfinit made for it, the outermost first. */
  folders: z.array(z.string().startsWith("/")).max(64),
  isLasting: z.literal(true).optional(),
  /** Somebody else changed it between two runs of dfinit, so that its copy lacks what they wrote. */
  isMixed: z.literal(true).optional(),
});

const record = z.strictObject({
  version: z.literal(1),
  /** The URL of the peer that the files name. */
  mirror: z.string(),
  files: z.array(recordedFile).max(FILES_MAX),
});

/** A file that dfinit wrote. */
export type RecordedFile = z.infer<typeof recordedFile>;

/** What dfinit wrote for one runtime. */
export interface WriteRecord {
  /** The URL of the peer that it wrote; undefined before the first time. */
  readonly mirror: string | undefined;
  /** By path. */
  readonly files: ReadonlyMap<string, RecordedFile>;
}

/** What tells one content of a file from another. */
export function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Where the record of the runtime with its configuration in `folder` is. */
function recordPath(folder: string): string {
  return join(folder, RECORD_NAME);
}

/** Reads what dfinit wrote into and below `folder`. Throws `RefusalError` when it cannot be understood. */
export async function readRecord(folder: string, files: HostFiles): Promise<WriteRecord> {
  const path = recordPath(folder);
  const text = await files.read(path);
  if (text === undefined) return { mirror: undefined, files: new Map() };
  const parsed = record.safeParse(parseJson(path, text));
  if (!parsed.success) throw unreadable(path, parsed.error);
  const { mirror, files: written } = parsed.data;
  return { mirror, files: new Map(written.map((file) => [file.path, file])) };
}

/** Keeps the record; one without files goes. */
export async function writeRecord(folder: string, files: HostFiles, written: WriteRecord): Promise<void> {
  const path = recordPath(folder);
  if (written.files.size === 0) return await files.remove(path);
  const sorted = [...written.files.values()].sort((a, b) => a.path < b.path ? -1 : 1);
  const text = `${JSON.stringify({ version: 1, mirror: written.mirror, files: sorted }, null, 2)}\n`;
  if (await files.read(path) !== text) await files.write(path, text);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): DamselflyError {
  const todo = "Remove it; dfinit restore then takes out the lines that are marked as its own";
  return new RefusalError(path, "it is not what dfinit keeps there about the files that it wrote", todo, cause);
}
