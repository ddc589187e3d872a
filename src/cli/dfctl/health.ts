import type { Command } from "commander";
import { errorText } from "../../core/error.ts";
import { checkHealth } from "../../rpc/client.ts";
import { EXIT } from "../daemon_error.ts";
import { formatTable } from "../table.ts";
import { type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { repeated, verb } from "./leaf.ts";
import { type DaemonFlags, withDaemonOptions } from "./with_daemon.ts";
import { schedulerAddress } from "./with_scheduler.ts";

interface Flags extends ShowFlags, DaemonFlags {
  readonly schedulerEndpoint?: readonly string[];
}

/** One that was asked, as `--json` prints it. */
interface HealthJson {
  readonly component: string;
  readonly address: string;
  readonly healthy: boolean;
  readonly reason: string | null;
}

/** `health`: whether the dfdaemon of this host, and schedulers, serve. */
export function healthCommand(choose: Choose): Command {
  return withDaemonOptions(verb("health", "Asks the dfdaemon of this host, and schedulers, whether they serve."))
    .addOption(
      repeated(
        "--scheduler-endpoint <address>",
        "a scheduler, such as http://10.0.0.2:8002; may be repeated",
        (text) => {
          return schedulerAddress(text);
        },
      ),
    )
    .action((flags: Flags) => choose((context) => showHealth(context, flags)));
}

async function showHealth(context: Context, flags: Flags): Promise<number> {
  const { terminal } = context;
  const { endpoint, schedulerEndpoint: schedulers = [], json } = flags;
  const asked = [
    ask(context, { component: "dfdaemon", address: `unix:${endpoint}` }, flags),
    ...schedulers.map((address) => ask(context, { component: "scheduler", address }, flags)),
  ];
  const found = await Promise.all(asked);
  if (json === true) showJson(terminal, found);
  else {
    const rows = found.map(({ component, address, healthy, reason }) => ({
      "COMPONENT": component,
      "ADDRESS": address,
      "HEALTHY": healthy ? "yes" : "no",
      "REASON": reason ?? "-",
    }));
    terminal.print(formatTable(rows, terminal.columns));
  }
  return found.every(({ healthy }) => healthy) ? EXIT.done : EXIT.failed;
}

async function ask(
  { runtime: { clock, disk }, signal }: Context,
  { component, address }: { readonly component: string; readonly address: string },
  { timeout: timeoutMs }: Flags,
): Promise<HealthJson> {
  const unhealthy = (reason: string): HealthJson => ({ component, address, healthy: false, reason });
  try {
    const socket = /^unix:(.*)/.exec(address)?.[1];
    if (socket !== undefined && await disk.stat(socket) === undefined) return unhealthy("there is no such socket");
    const healthy = await checkHealth(address, { clock, signal, timeoutMs });
    return healthy ? { component, address, healthy, reason: null } : unhealthy("it says that it does not serve");
  } catch (error) {
    signal.throwIfAborted();
    return unhealthy(errorText(error));
  }
}
