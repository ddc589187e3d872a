import { createHash } from "node:crypto";
import { join } from "node:path/posix";
import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import type { HostFiles } from "../../dfinit/host_files.ts";
import { COMPONENTS } from "./components.ts";

const ENTRIES_MAX = 1000;
const absolute = () => z.string().startsWith("/").max(4096);

const record = z.strictObject({
  version: z.literal(1),
  components: z.array(z.enum(COMPONENTS)).max(COMPONENTS.length),
  /** Files that are ours as a whole, and go. */
  files: z.array(absolute()).max(ENTRIES_MAX),
  /** Configurations that were made, with the hash of what they held then; those that were changed since stay. */
  configs: z.array(z.strictObject({ path: absolute(), sha256: z.string() })).max(ENTRIES_MAX),
  /** Folders that were made, the outermost first; those in which something is stay. */
  folders: z.array(absolute()).max(ENTRIES_MAX),
  /** Folders that the components write to. */
  data: z.array(absolute()).max(ENTRIES_MAX),
  /** Those of them that were there before, with what others keep there. */
  shared: z.array(absolute()).max(ENTRIES_MAX).default([]),
});

/** What `damselfly install` did to a host. */
export type InstallRecord = z.infer<typeof record>;

/** The folder of the programs below a prefix. */
export function libraryFolder(prefix: string): string {
  return join("/", prefix, "lib/damselfly");
}

function recordPath(prefix: string): string {
  return join(libraryFolder(prefix), "install.json");
}

/** What tells one content from another. */
export function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What was installed below `prefix`; undefined when nothing was. Throws `failed_precondition` when it is unreadable. */
export async function readRecord(prefix: string, files: HostFiles): Promise<InstallRecord | undefined> {
  const path = recordPath(prefix);
  const text = await files.read(path);
  if (text === undefined) return undefined;
  try {
    return record.parse(JSON.parse(text));
  } catch (cause) {
    throw new DamselflyError(
      "failed_precondition",
      `Cannot read ${path}, which says what was installed: run damselfly install again, which writes it anew`,
      { cause },
    );
  }
}

/** Keeps the record. */
export async function writeRecord(prefix: string, written: InstallRecord, files: HostFiles): Promise<void> {
  await files.write(recordPath(prefix), `${JSON.stringify(written, null, 2)}\n`);
}

/** Removes the record. */
export async function removeRecord(prefix: string, files: HostFiles): Promise<void> {
  await files.remove(recordPath(prefix));
}
