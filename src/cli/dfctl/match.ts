import type { Command } from "commander";
import * as z from "zod";
import { formatTable } from "../table.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { verb } from "./leaf.ts";
import { withManager } from "./with_manager.ts";

const Match = z.object({
  winner: z.int().nullable(),
  reason: z.string(),
  clusters: z.array(z.object({
    id: z.int(),
    name: z.string(),
    cidr: z.string().nullable(),
    hostname: z.string().nullable(),
    idc: z.boolean(),
    location_elements: z.int(),
    is_default: z.boolean(),
    live_schedulers: z.int(),
  })),
});
type Match = z.output<typeof Match>;

interface MatchFlags extends ShowFlags {
  readonly ip?: string;
  readonly hostname?: string;
  readonly idc?: string;
  readonly location?: string;
}

/** `match`: which cluster a host belongs to, and why. */
export function matchCommand(choose: Choose): Command {
  return verb("match", "Explains which cluster a host belongs to: the first of the table.")
    .option("--ip <address>", "its IP address")
    .option("--hostname <name>", "its host name")
    .option("--idc <name>", "host.idc of its configuration")
    .option("--location <path>", "host.location of its configuration")
    .action((flags: MatchFlags) => choose((context) => match(context, flags)));
}

async function match(context: Context, { json, ...host }: MatchFlags): Promise<void> {
  const { terminal } = context;
  const answer = await withManager(context, (manager) => manager.send("GET", "clusters/match", { query: { ...host } }));
  if (json === true) return showJson(terminal, answer);
  const { reason, winner, clusters } = readAs(Match, answer);
  terminal.print(formatTable(clusters.map((cluster) => rowOf(cluster, winner)), terminal.columns));
  terminal.print(`\n${reason}.\n`);
}

function rowOf(cluster: Match["clusters"][number], winner: number | null) {
  return {
    "": cluster.id === winner ? "*" : "",
    "ID": String(cluster.id),
    "NAME": cluster.name,
    "CIDR": cluster.cidr ?? "-",
    "HOSTNAME": cluster.hostname ?? "-",
    "IDC": cluster.idc ? "yes" : "-",
    "LOCATION": cluster.location_elements === 0 ? "-" : String(cluster.location_elements),
    "DEFAULT": cluster.is_default ? "yes" : "-",
    "LIVE SCHEDULERS": String(cluster.live_schedulers),
  };
}
