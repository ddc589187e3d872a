import { DamselflyError } from "../../core/error.ts";
import type { DiskFile } from "../../runtime/disk.ts";

/** A time of the file system may cover changes that come so much later, for it moves in steps. */
const TIME_STEP_MS = 50;

/** How often a use begins again, because the file was changed meanwhile. */
const TRIES_MAX = 3;

/** What a {@link FileWatch} acts on. */
export interface WatchedFile {
  /** Wall clock, in milliseconds. */
  nowMs(): number;
  stat(): ReturnType<DiskFile["stat"]>;
  /** The file was changed: what was known of its bytes is not known any more. */
  onChange(): void;
}

/** Watches a file that others have by another name, so that nothing is used that they change in place. */
export class FileWatch {
  readonly #file: WatchedFile;
  #isShared: boolean | undefined;
  /** The file as it is known; undefined while a change could pass unseen. */
  #changedMs: number | undefined;

  /** `isShared` is undefined when it has to be found out. */
  constructor(file: WatchedFile, isShared: boolean | undefined) {
    this.#file = file;
    this.#isShared = isShared;
  }

  /** From now on the file has another name. */
  shared(): void {
    this.#isShared = true;
  }

  /** Runs `run` over bytes that stay as they are from its beginning to its end. Throws `internal` when they never do. */
  async steady<T>(run: () => Promise<T>): Promise<T> {
    this.#isShared ??= (await this.#file.stat()).links > 1;
    if (!this.#isShared) return await run();
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const { changedMs } = await this.#file.stat();
      if (changedMs !== this.#changedMs) this.#file.onChange();
      this.#changedMs = this.#file.nowMs() - changedMs < TIME_STEP_MS ? undefined : changedMs;
      const result = await run();
      if ((await this.#file.stat()).changedMs === changedMs) return result;
    }
    throw new DamselflyError("internal", "Cannot use a content file: somebody changes it all the time");
  }
}
