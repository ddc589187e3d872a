/** All programs in one: `damselfly <program> [its options]`. */
import "../rpc/http2_guard.ts";
import type { Command } from "commander";
import { EXIT } from "../runtime/main.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { versionText } from "../runtime/version_text.ts";

/** A program by its name. */
export interface Program {
  readonly about: string;
  /** Loads the program when it is run, so that a small one starts fast. */
  readonly load: () => Promise<{
    readonly run: (args: readonly string[]) => Promise<never>;
    /** Its command line, with all options. */
    readonly command: () => Command;
  }>;
}

/** All programs there are. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  manager: { about: "clusters, users and settings", load: () => import("./manager.ts") },
  scheduler: { about: "tells the peers of a cluster whom to download from", load: () => import("./scheduler.ts") },
  dfdaemon: { about: "the peer of a node, and seed peer", load: () => import("./dfdaemon.ts") },
  dfinit: { about: "makes a container runtime pull through the peer", load: () => import("../../dfinit/main.ts") },
  dfget: { about: "downloads a file through the peer", load: () => import("./dfget.ts") },
  dfcache: { about: "keeps files in the peers of the cluster", load: () => import("./dfcache.ts") },
  dfctl: { about: "asks the manager, schedulers and the dfdaemon of this host", load: () => import("./dfctl.ts") },
  config: { about: "checks configuration files, and converts those of old", load: () => import("./config.ts") },
  install: { about: "makes components services of this host", load: () => import("./install.ts") },
  uninstall: {
    about: "takes away what install brought",
    load: async () => (await import("./install.ts")).uninstall,
  },
  doctor: {
    about: "says what keeps a node's pulls from the swarm, and what mends it",
    load: () => import("./doctor.ts"),
  },
  up: { about: "a whole cluster on this machine", load: () => import("./up.ts") },
  demo: { about: "pulls an image through such a cluster and shows what happens", load: () => import("./demo.ts") },
};

function help(): string {
  const lines = Object.entries(PROGRAMS).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`);
  return `Usage: damselfly <program> [options]\n\nPrograms:\n${lines.join("\n")}\n\n` +
    "damselfly <program> --help lists the options of a program; damselfly completion bash|zsh|fish prints what lets a\n" +
    "shell complete them.\n";
}

if (import.meta.main) {
  const [name = "", ...args] = Deno.args;
  const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
  if (program !== undefined) await (await program.load()).run(args);
  const { print, printError } = realTerminal();
  if (name === "--version" || name === "-V") print(`${versionText("damselfly")}\n`);
  else if (name === "completion") {
    const { runCompletion } = await import("./completion.ts");
    Deno.exit(await runCompletion(args, PROGRAMS, realTerminal()));
  } else if (name === "--help" || name === "-h") print(help());
  else {
    printError(name === "" ? help() : `damselfly: there is no program "${name}"\n\n${help()}`);
    Deno.exit(EXIT.usage);
  }
}
