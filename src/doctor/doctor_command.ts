import { Command } from "commander";

const HELP = `
What it looks at:
  the configuration of dfdaemon and dfinit; that of the container runtime, as the runtime reads it; the ports of
  dfdaemon; the volume of its storage; each registry that is named, asked as dfdaemon asks it; the clock; the manager,
  the cluster of this host and why it is that one, its schedulers and seed peers; what went past the swarm since
  dfdaemon started. It changes nothing, but for a file in storage.dir that it writes and removes.

  Each thing is a line: ok, info, warn, or FAIL for what loses pulls or the swarm. Behind them stands what mends it, the
  worst first. docs/doctor.md has all ids, which do not change, for scripts that read --json.

Exit codes:
  0    all is well
  1    something is broken, or the doctor failed itself
  2    wrong use
  3    nothing is broken, and something is to be looked at
  130  interrupted

Examples:
  damselfly doctor
  damselfly doctor --image alpine:3.19
  damselfly doctor --config /etc/dragonfly/dfdaemon.yaml --root /host --json
`;

/** What the command line says. */
export interface DoctorFlags {
  readonly config?: string;
  readonly dfinit?: string;
  readonly dynconfig?: string;
  readonly image?: string;
  readonly json?: boolean;
  readonly root: string;
}

/** The command line of the doctor. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Says what keeps this node's pulls from going through the swarm, and what mends it.")
    .option(
      "-c, --config <file>",
      "configuration of dfdaemon (default: /etc/dragonfly/dfdaemon.yaml, or $DFDAEMON_CONFIG)",
    )
    .option("--dfinit <file>", "configuration of dfinit (default: /etc/dragonfly/dfinit.yaml)")
    .option("--dynconfig <file>", "file that names the schedulers where there is no manager, as dfdaemon is given it")
    .option("--root <dir>", "where the node's / is mounted, for the files of its runtimes", "/")
    .option(
      "--image <image>",
      "pull this image through the mirror too, keep nothing, and tell where its bytes came from",
    )
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP);
}
