import { runDfinit } from "../../dfinit/cli.ts";
import { installCommand, uninstallCommand } from "../install/command.ts";
import { type InstallEffects, runInstall, runUninstall } from "../install/run.ts";
import { runProgram } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { PERMISSIONS } from "./permissions.ts";

/** The command line of install. */
export const command = installCommand;

function effects(): InstallEffects {
  const [disk, terminal] = [realDisk(realRandom()), realTerminal()];
  return {
    ...{ disk, terminal, deno: Deno.execPath(), script: Deno.mainModule, permissions: PERMISSIONS },
    dfinit: (args) => runDfinit(args, { disk, env: (name) => Deno.env.get(name), ...terminal }),
  };
}

/** Runs `damselfly install` with the arguments of a command line. */
export const run = (args: readonly string[]): Promise<never> => {
  return runProgram("damselfly install", () => runInstall(args, effects()));
};

/** `damselfly uninstall`. */
export const uninstall = {
  command: uninstallCommand,
  run: (args: readonly string[]): Promise<never> => {
    return runProgram("damselfly uninstall", () => runUninstall(args, effects()));
  },
};
