/** The temporary folder of a test; it is kept, and named, when the test fails. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const SHOWN_LOG_LINES = 30;
/** Of {@link Workspace.linesAbout}. */
const LINES_OF_A_LOG = 4;
const LINE_LENGTH = 400;
/** A cluster, and its members: what is deeper belongs to programs that run, and comes and goes. */
const LOG_FOLDERS_DEEP = 2;

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
    for (const file of await logsBelow(this.dir, LOG_FOLDERS_DEEP)) {
      const lines = (await readFile(file, "utf8")).trimEnd().split("\n").slice(-SHOWN_LOG_LINES);
      console.error(`--- ${file}\n${lines.join("\n")}`);
    }
  }

  /** Lines of the logs that mention `text`, after the name of their file: the last ones of each. */
  async linesAbout(text: string): Promise<string[]> {
    const lines: string[] = [];
    for (const file of await logsBelow(this.dir, LOG_FOLDERS_DEEP)) {
      const found = (await readFile(file, "utf8")).split("\n").filter((line) => line.includes(text));
      for (const line of found.slice(-LINES_OF_A_LOG)) lines.push(`${basename(file)}: ${line.slice(0, LINE_LENGTH)}`);
    }
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await rm(this.dir, { recursive: true, force: true });
  }
}

async function logsBelow(dir: string, foldersDeep: number): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".log"))
    .map(({ name }) => join(dir, name)).sort();
  const folders = foldersDeep === 0 ? [] : entries.filter((entry) => entry.isDirectory());
  for (const { name } of folders) found.push(...await logsBelow(join(dir, name), foldersDeep - 1));
  return found;
}
