import { Command, InvalidArgumentError } from "commander";
import { parseHttpUrl } from "../config/addresses.ts";
import { checked } from "../runtime/command_line.ts";
import { type ComponentName, COMPONENTS } from "./components.ts";

const PREFIX = "/usr/local";

/** The flags of `damselfly install`, checked. */
export interface InstallFlags {
  readonly component: readonly ComponentName[];
  readonly prefix: string;
  readonly root: string;
  readonly configFolder: string;
  readonly deno?: string;
  readonly bundles?: string;
  readonly manager?: string;
  readonly outputFolder?: readonly string[];
  readonly dfinit?: boolean;
}

/** The flags of `damselfly uninstall`, checked. */
export interface UninstallFlags {
  readonly prefix: string;
  readonly root: string;
  readonly purge?: boolean;
  readonly dfinit?: boolean;
}

const INSTALL_HELP = `
What it writes, below --root:
  PREFIX/lib/damselfly/                    Deno and the bundles, as copies
  PREFIX/bin/damselfly                     all programs by name, on the command line
  /etc/systemd/system/damselfly-*.service  a unit for each component, with what its configuration needs and little else
  /etc/dragonfly/COMPONENT.yaml            a sample, where there is none

It starts no programs: at its end it says what to run. A second run changes what differs. Run it again when a
configuration names other folders or ports below 1024, for the unit has to let the component use them.

Exit codes:
  0  done
  1  failed; nothing is written when a configuration cannot be used
  2  wrong use

Examples:
  damselfly install --manager http://10.0.0.1:65003 --dfinit
  damselfly install --component manager,scheduler
`;

const UNINSTALL_HELP = `
Removes what install wrote. Configurations that were changed since, and what the components keep on disk, stay unless
--purge is given. Run "systemctl disable --now" for the units before, and "systemctl daemon-reload" after it.

Exit codes:
  0  done
  1  failed: nothing is installed there, or a unit is still enabled
  2  wrong use
`;

/** The command line of `damselfly install`. */
export function installCommand(): Command {
  return new Command("install")
    .description("Makes components services of this host, which need no Kubernetes.")
    .option("--component <names>", "which ones, with commas between: dfdaemon, scheduler, manager", components, [
      "dfdaemon",
    ])
    .option("--manager <url>", "gRPC address of the manager, for samples", checked(parseHttpUrl))
    .option("--prefix <dir>", "where programs go", absolute, PREFIX)
    .option("--config-folder <dir>", "where configurations are", absolute, "/etc/dragonfly")
    .option(
      "--output-folder <dir...>",
      "where dfdaemon may write what dfget -O names; elsewhere dfget needs --transfer-from-dfdaemon",
      (path: string, earlier: string[] = []) => [...earlier, absolute(path)],
    )
    .option("--dfinit", "also make the container runtimes of dfinit.yaml pull through the peer")
    .option("--bundles <dir>", "folder of the bundles (default: that of the one which runs)")
    .option("--deno <file>", "Deno that runs them (default: the one that runs this)")
    .option("--root <dir>", "where the host's / is mounted", "/")
    .addHelpText("after", INSTALL_HELP);
}

/** The command line of `damselfly uninstall`. */
export function uninstallCommand(): Command {
  return new Command("uninstall")
    .description("Takes away what install brought.")
    .option("--prefix <dir>", "where programs went", absolute, PREFIX)
    .option("--purge", "also remove configurations, and what the components keep on disk")
    .option("--dfinit", "first give the container runtimes of dfinit.yaml back what they had")
    .option("--root <dir>", "where the host's / is mounted", "/")
    .addHelpText("after", UNINSTALL_HELP);
}

function components(text: string): ComponentName[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  const unknown = names.find((name) => !COMPONENTS.some((component) => component === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no component "${unknown}": expected ${COMPONENTS.join(", ")}.`);
  }
  return COMPONENTS.filter((component) => names.includes(component));
}

function absolute(path: string): string {
  if (!path.startsWith("/")) throw new InvalidArgumentError("Expected an absolute path.");
  return path;
}
