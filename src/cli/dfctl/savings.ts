import { type Command, Option } from "commander";
import * as z from "zod";
import { parseDuration } from "../../config/durations.ts";
import { formatBytes } from "../format.ts";
import { formatFields, formatTable } from "../table.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { option, verb } from "./leaf.ts";
import { withManager } from "./with_manager.ts";

const SINCE_DEFAULT_MS = 7 * 24 * 60 * 60_000;
const PERCENT = 100;
const KEYS = ["repository", "registry", "application", "idc", "hour"];

const amounts = {
  origin_bytes: z.number(),
  peer_bytes: z.number(),
  local_bytes: z.number(),
  served_bytes: z.number(),
  saved_bytes: z.number(),
  pulls: z.number(),
};
const Savings = z.object({
  since: z.string(),
  total: z.object(amounts),
  rows: z.array(z.object({ name: z.string(), ...amounts })),
});
type Amounts = z.output<typeof Savings>["total"];

interface SavingsFlags extends ShowFlags {
  /** Milliseconds. */
  readonly since: number;
  readonly by: string;
}

/** `savings`: what came from registries and what from the swarm. */
export function savingsCommand(choose: Choose): Command {
  return verb("savings", "Shows what hosts got, how much of it registries had to send, and what that saved.")
    .addOption(
      option("--since <duration>", "how far back, such as 24h; whole hours", parseDuration).default(
        SINCE_DEFAULT_MS,
        "7d",
      ),
    )
    .addOption(new Option("--by <what>", "what is told apart").choices(KEYS).default("repository"))
    .action((flags: SavingsFlags) => choose((context) => savings(context, flags)));
}

async function savings(context: Context, { json, since, by }: SavingsFlags): Promise<void> {
  const { terminal, runtime: { clock } } = context;
  const query = { since: new Date(clock.wallMs() - since).toISOString(), by };
  const answer = await withManager(context, (manager) => manager.send("GET", "savings", { query }));
  if (json === true) return showJson(terminal, answer);
  const told = readAs(Savings, answer);
  const { total, rows } = told;
  terminal.print(formatFields({
    "SINCE": told.since.replace(/\.\d+Z$/, "Z"),
    "SERVED": `${formatBytes(total.served_bytes)} in ${total.pulls} contents`,
    "FROM REGISTRIES": formatBytes(total.origin_bytes),
    "FROM HOSTS": formatBytes(total.peer_bytes),
    "FROM OWN DISKS": formatBytes(total.local_bytes),
    "SAVED": savedText(total),
  }));
  if (rows.length === 0) return terminal.printError("Nothing was moved that anybody told the manager of.\n");
  terminal.print(`\n${formatTable(rows.map(({ name, ...row }) => rowOf(name, row, by)), terminal.columns)}`);
}

function rowOf(name: string, row: Amounts, by: string) {
  return {
    [by.toUpperCase()]: name || "-",
    "SERVED": formatBytes(row.served_bytes),
    "FROM REGISTRIES": formatBytes(row.origin_bytes),
    "FROM HOSTS": formatBytes(row.peer_bytes),
    "SAVED": savedText(row),
  };
}

/** What was fetched ahead of demand and not wanted yet is below 0. */
function savedText({ saved_bytes: saved, served_bytes: served }: Amounts): string {
  if (saved < 0) return `-${formatBytes(-saved)}`;
  return served === 0 ? "0" : `${formatBytes(saved)} (${Math.round(PERCENT * saved / served)}%)`;
}
