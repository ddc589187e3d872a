import type { Command } from "commander";
import { StorageService } from "../../rpc/gen/damselfly/v1/storage.ts";
import { formatBytes } from "../format.ts";
import { type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { verb } from "./leaf.ts";
import { type DaemonFlags, withDaemon, withDaemonOptions } from "./with_daemon.ts";

/** `gc`: what dfdaemon does by itself at each `gc.interval`, now. */
export function gcCommand(choose: Choose): Command {
  return withDaemonOptions(verb("gc", "Removes from this host now what is out of date or in the way."))
    .action((flags: ShowFlags & DaemonFlags) => choose((context) => collectGarbage(context, flags)));
}

async function collectGarbage(context: Context, flags: ShowFlags & DaemonFlags): Promise<void> {
  const { terminal } = context;
  const { removedTaskCount, usedBytes, freeBytes } = await withDaemon(
    context,
    { ...flags, service: StorageService },
    (client, options) => client.collectGarbage({}, options),
  );
  if (flags.json === true) {
    return showJson(terminal, { removed_task_count: removedTaskCount, used_bytes: usedBytes, free_bytes: freeBytes });
  }
  const tasks = removedTaskCount === 1 ? "1 task" : `${removedTaskCount} tasks`;
  terminal.print(
    `Removed ${tasks}; ${formatBytes(usedBytes)} are used, ${formatBytes(freeBytes)} of the volume free.\n`,
  );
}
