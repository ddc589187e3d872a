import { DamselflyError, errorText } from "../../../core/error.ts";

/**
 * Keeps a second manager from a database file: two would each believe that their own caches and limits are the only
 * ones. The lock lies beside the file and ends with the process, however it ends.
 */
export class FileLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Takes the lock of the database at `path`. Fails with `unavailable` when another process has it. */
  static acquire(path: string): FileLock {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(`${path}.lock`, { create: true, write: true, mode: 0o600 });
    } catch (cause) {
      const why = `${errorText(cause)}; check its directory and its permissions`;
      throw new DamselflyError("unavailable", `Cannot open database ${path}: ${why}`, { cause });
    }
    if (file.tryLockSync(true)) return new FileLock(file);
    file.close();
    throw new DamselflyError(
      "unavailable",
      `Cannot open database ${path}: another manager uses it; stop that one, or let several share a MySQL database`,
    );
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
