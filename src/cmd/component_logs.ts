import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { jsonLog, type Log } from "../runtime/log.ts";

/** Logs of several components, one file each in a directory of their own. */
export class ComponentLogs implements Disposable {
  readonly #dir: string;
  readonly #files: number[] = [];

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#dir = dir;
  }

  /** A log in a new file. */
  open(component: string): Log {
    const fd = openSync(join(this.#dir, `${component}.log`), "a");
    this.#files.push(fd);
    return jsonLog(component, { fd });
  }

  /** Closes all files; nothing may be logged from then on. */
  [Symbol.dispose](): void {
    for (const fd of this.#files.splice(0)) closeSync(fd);
  }
}
