import type { SourceEntry } from "../peer/source/source.ts";
import type { FileProgress } from "./progress.ts";

/** One file that is wanted. */
export interface WantedFile {
  readonly url: string;
  /** Absolute; its directory is there. */
  readonly output: string;
}

/** A way to contents: through dfdaemon, or from the source. */
export interface Way {
  /** Puts a content, checked, at its output. After a failure nothing is there that was not before. */
  fetch(file: WantedFile, progress: FileProgress, signal: AbortSignal): Promise<void>;
  /** All that is below the URL of a directory. */
  list(url: string, signal: AbortSignal): Promise<readonly SourceEntry[]>;
}
