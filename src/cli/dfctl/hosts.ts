import { type Command, Option } from "commander";
import type { Host } from "../../rpc/gen/common/v2/common.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { formatTable } from "../table.ts";
import { type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { noun, timeoutOption, verb } from "./leaf.ts";
import { type SchedulerFlags, withScheduler, withSchedulerEndpoint } from "./with_scheduler.ts";

const TIMEOUT_MS = 10_000;
/** The numbers of `Host.type` by their names (wire.md §1.1). */
const TYPES = ["normal", "super", "strong", "weak"];

interface Flags extends ShowFlags, SchedulerFlags {
  readonly type?: string;
}

/** `host list`: the hosts that a scheduler knows. */
export function hostCommand(choose: Choose): Command {
  const list = withSchedulerEndpoint(verb("list", "Lists the hosts that a scheduler knows.").alias("ls"))
    .addOption(new Option("--type <type>", "only hosts of this type; super is a seed peer").choices(TYPES))
    .addOption(timeoutOption("longest wait for the answer, such as 30s", TIMEOUT_MS, "10s"));
  return noun("host", "Hosts of a cluster, as their scheduler has them.", [
    list.action((flags: Flags) => choose((context) => listHosts(context, flags))),
  ]);
}

async function listHosts(context: Context, { type, ...flags }: Flags): Promise<void> {
  const { terminal } = context;
  const { hosts } = await withScheduler(context, { ...flags, service: SchedulerService }, (client, options) => {
    return client.listHosts(type === undefined ? {} : { type: TYPES.indexOf(type) }, options);
  });
  const found = hosts.toSorted((a, b) => a.hostname.localeCompare(b.hostname)).map(hostJson);
  if (flags.json === true) return showJson(terminal, found);
  if (found.length === 0) return terminal.printError("There are none.\n");
  const rows = found.map((host) => ({
    "HOSTNAME": host.hostname,
    "IP": host.ip,
    "PORT": String(host.port),
    "TYPE": host.type,
    "IDC": host.idc || "-",
    "LOCATION": host.location || "-",
    "VERSION": host.version || "-",
    "BUILT FOR": host.build_platform || "-",
  }));
  terminal.print(formatTable(rows, terminal.columns));
}

function typeName({ type }: Host): string {
  return TYPES[type] ?? String(type);
}

function hostJson(host: Host) {
  const { id, hostname, ip, port, proxyPort, network, build, disableShared } = host;
  return {
    ...{ id, hostname, ip, port, proxy_port: proxyPort, type: typeName(host), disable_shared: disableShared },
    ...{ idc: network?.idc ?? "", location: network?.location ?? "" },
    ...{ version: build?.gitVersion ?? "", build_platform: build?.platform ?? "" },
  };
}
