import { type Command, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { type ShowFlags, shownTime } from "./answers.ts";
import type { Choose } from "./context.ts";
import { listVerb, noun, option } from "./leaf.ts";
import { showList } from "./with_manager.ts";

const Audit = z.object({
  operated_at: z.string(),
  actor_type: z.string(),
  actor_name: z.string(),
  operation: z.string(),
  path: z.string(),
  status_code: z.int(),
  state: z.string(),
});

/** The methods that a manager has routes for; it writes down others too, and answers them with 404. */
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

interface Flags extends ShowFlags {
  readonly limit: number;
  readonly user?: string;
  readonly path?: string;
  readonly operation?: string;
  readonly state?: string;
}

/** `audit list`: who asked the manager for what, the newest first. */
export function auditCommand(choose: Choose): Command {
  const list = listVerb("Lists who asked for what, the newest first.")
    .option("--user <name>", "only what this user, or the token of this name, asked for")
    .option("--path <path>", "only requests with this path, such as /api/v1/jobs")
    .addOption(option("--operation <method>", "only requests with this method, such as DELETE", methodOf))
    .addOption(new Option("--state <state>", "only those that ended so").choices(["SUCCESS", "FAILURE"]));
  return noun("audit", "Who asked the manager for what.", [
    list.action((flags: Flags) =>
      choose((context) => {
        const { user: actor_name, path, operation, state } = flags;
        const query = { actor_name, path, operation, state };
        return showList(context, flags, { path: "audits", query, schema: Audit, rowOf });
      })
    ),
  ]);
}

function methodOf(text: string): string {
  const method = text.toUpperCase();
  if (METHODS.includes(method)) return method;
  throw new InvalidArgumentError(`expected one of ${METHODS.join(", ")}`);
}

function rowOf({ operated_at, actor_type, actor_name, operation, path, status_code, state }: z.output<typeof Audit>) {
  return {
    "TIME": shownTime(operated_at),
    "WHO": actor_name || "-",
    "AS": actor_type,
    "OPERATION": operation,
    "PATH": path,
    "STATUS": String(status_code),
    "STATE": state,
  };
}
