import { type Command, Option } from "commander";
import { sayDone, type ShowFlags, showOne } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { Job, jobFields, jobRow } from "./job_view.ts";
import { waitForJob } from "./job_wait.ts";
import { listVerb, noun, timeoutOption, verb, wholeNumber } from "./leaf.ts";
import { showList, withManager } from "./with_manager.ts";

const PATH = "jobs";
const idText = wholeNumber(1, Number.MAX_SAFE_INTEGER);
const WAIT_MS = 2 * 60 * 60 * 1_000;

interface ListFlags extends ShowFlags {
  readonly limit: number;
  readonly type?: string;
  readonly state?: string;
}

/** `job list|show|wait|cancel|retry|delete`. */
export function jobCommand(choose: Choose): Command {
  const one = (name: string, description: string) => verb(name, description).argument("<id>", "id of the job", idText);
  const list = listVerb("Lists jobs, the newest first.")
    .option("--type <type>", "only jobs of this type, such as preheat")
    .addOption(new Option("--state <state>", "only jobs in this state").choices(["PENDING", "SUCCESS", "FAILURE"]));
  const wait = one("wait", "Waits until a job is over.")
    .addOption(timeoutOption("longest wait, such as 30m", WAIT_MS, "2h"));
  return noun("job", "Jobs of the manager: preheats and others.", [
    list.action(({ type, state, ...flags }: ListFlags) =>
      choose((context) => showList(context, flags, { path: PATH, query: { type, state }, schema: Job, rowOf: jobRow }))
    ),
    one("show", "Shows a job, and what failed of it.").action((id: number, flags: ShowFlags) =>
      choose((context) => showJob(context, "GET", `${PATH}/${id}`, flags))
    ),
    wait.action((id: number, { timeout, ...flags }: ShowFlags & { timeout: number }) =>
      choose((context) =>
        withManager(context, (manager) => waitForJob(context, manager, { id, timeoutMs: timeout, ...flags }))
      )
    ),
    one("cancel", "Ends a job that runs; its row stays.").action((id: number, flags: ShowFlags) =>
      choose((context) => showJob(context, "POST", `${PATH}/${id}/cancel`, flags))
    ),
    one("retry", "Orders a job that failed once more.").action((id: number, flags: ShowFlags) =>
      choose((context) => showJob(context, "POST", `${PATH}/${id}/retry`, flags))
    ),
    one("delete", "Ends a job if it runs, and removes its row.").action((id: number, flags: ShowFlags) =>
      choose(async (context) => {
        await withManager(context, (manager) => manager.send("DELETE", `${PATH}/${id}`));
        sayDone(context, flags, `Job ${id} is removed.`);
      })
    ),
  ]);
}

async function showJob(context: Context, method: "GET" | "POST", path: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, (manager) => manager.send(method, path));
  showOne(context, flags, { row, schema: Job, fieldsOf: jobFields });
}
