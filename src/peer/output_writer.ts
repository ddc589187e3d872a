import { DamselflyError } from "../core/error.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { OutputWriter } from "./mirror/outputs.ts";
import type { Storage } from "./storage/storage.ts";
import { checkOutput, deliverFile } from "./upload/deliver_file.ts";

/** Writes contents for the mirror and proxy as they are written for `dfget`, to files that do not exist yet. */
export function outputWriter(storage: Storage, deps: Pick<Runtime, "disk" | "random">): OutputWriter {
  return {
    async check(output) {
      try {
        await checkOutput({ ...output, overwrite: false }, deps);
      } catch (error) {
        // Whatever it is, the request is what must change.
        throw error instanceof DamselflyError ? new DamselflyError("invalid_argument", error.message) : error;
      }
    },
    async write(taskId, output, signal) {
      const task = storage.find(taskId);
      if (task === undefined) {
        throw new DamselflyError("not_found", `Cannot write ${output.path}: the task was deleted`);
      }
      using _held = task.hold();
      const { contentLength } = task.record.plan;
      await deliverFile(task, { start: 0, end: contentLength }, { ...output, overwrite: false }, deps, signal);
    },
  };
}
