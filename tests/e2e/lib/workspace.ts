/** The temporary folder of a test; it is kept, and named, when the test fails. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SHOWN_LOG_LINES = 30;

/** A folder below the system's temporary folder, removed on disposal unless {@link keep} was called. */
export class Workspace implements AsyncDisposable {
  readonly dir: string;
  #kept = false;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async create(): Promise<Workspace> {
    return new Workspace(await mkdtemp(join(tmpdir(), "damselfly-e2e-")));
  }

  /** Leaves the folder in place for whoever looks into the failure, and prints the ends of the logs in it, once. */
  async keep(): Promise<void> {
    if (this.#kept) return;
    this.#kept = true;
    const files = await readdir(this.dir, { recursive: true });
    for (const file of files.filter((name) => name.endsWith(".log")).sort()) {
      const lines = (await readFile(join(this.dir, file), "utf8")).trimEnd().split("\n").slice(-SHOWN_LOG_LINES);
      console.error(`--- ${join(this.dir, file)}\n${lines.join("\n")}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await rm(this.dir, { recursive: true, force: true });
  }
}
