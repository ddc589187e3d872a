import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { HostFiles } from "../../dfinit/host_files.ts";
import { RefusalError } from "../../dfinit/plan.ts";
import { DamselflyError } from "../core/error.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import type { Disk } from "../runtime/disk.ts";
import { EXIT } from "../runtime/main.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { installCommand, type InstallFlags, uninstallCommand, type UninstallFlags } from "./command.ts";
import type { ComponentName } from "./components.ts";
import { install, nextCommands } from "./install.ts";
import { permissionFlags, type PermissionSet } from "./permission_flags.ts";
import { uninstall } from "./uninstall.ts";

/** What install and uninstall need of the world. */
export interface InstallEffects {
  readonly disk: Disk;
  readonly terminal: Pick<Terminal, "print" | "printError">;
  /** The Deno that runs this. */
  readonly deno: string;
  /** URL of the script that runs this. */
  readonly script: string;
  readonly permissions: Readonly<Record<ComponentName, PermissionSet>>;
  /** Runs dfinit with arguments, and returns its exit code. */
  dfinit(args: readonly string[]): Promise<number>;
}

/** Runs `damselfly install` with the arguments of a command line, and returns the exit code. */
export async function runInstall(args: readonly string[], effects: InstallEffects): Promise<number> {
  const { terminal, disk } = effects;
  const program = withCommonOptions(installCommand(), terminal);
  const ended = parseArguments(program, args);
  if (ended !== undefined) return ended;
  const { component, root, bundles, deno, outputFolder, manager, dfinit, ...flags } = program.opts<InstallFlags>();
  const options = {
    ...flags,
    components: component,
    bundles: bundles ?? await ownBundles(effects),
    deno: deno ?? effects.deno,
    outputFolders: outputFolder ?? [],
    permissionsOf: (name: ComponentName) => permissionFlags(effects.permissions[name]),
    ...(manager !== undefined && { manager }),
  };
  const { written, unchanged, warnings } = await install(options, new HostFiles(disk, root)).catch(told);
  for (const warning of warnings) terminal.printError(`warning: ${warning}\n`);
  for (const path of written) terminal.print(`written    ${path}\n`);
  for (const path of unchanged) terminal.print(`unchanged  ${path}\n`);
  const code = dfinit === true ? await effects.dfinit(["apply", "--root", root]) : EXIT.done;
  terminal.print(`\nNext:\n${nextCommands(component).map((command) => `  ${command}\n`).join("")}`);
  return code;
}

/** Runs `damselfly uninstall` with the arguments of a command line, and returns the exit code. */
export async function runUninstall(args: readonly string[], effects: InstallEffects): Promise<number> {
  const { terminal, disk } = effects;
  const program = withCommonOptions(uninstallCommand(), terminal);
  const ended = parseArguments(program, args);
  if (ended !== undefined) return ended;
  const { prefix, purge, root, dfinit } = program.opts<UninstallFlags>();
  if (dfinit === true) {
    const code = await effects.dfinit(["restore", "--root", root]);
    if (code !== EXIT.done) return code;
  }
  const { removed, restored, left } = await uninstall({ prefix, purge: purge === true }, new HostFiles(disk, root))
    .catch(told);
  for (const path of removed) terminal.print(`removed  ${path}\n`);
  for (const path of restored) terminal.print(`restored ${path}\n`);
  for (const text of left) terminal.print(`left     ${text}\n`);
  terminal.print("\nNext:\n  systemctl daemon-reload\n");
  return EXIT.done;
}

/** The folder of the bundle that runs. Throws `failed_precondition` when this is no bundle. */
async function ownBundles({ script, disk }: InstallEffects): Promise<string> {
  const folder = script.startsWith("file:") ? dirname(fileURLToPath(script)) : undefined;
  if (folder !== undefined && await disk.stat(`${folder}/damselfly.js`) !== undefined) return folder;
  throw new DamselflyError(
    "failed_precondition",
    "This is no bundle: make bundles with deno task bundle, and name their folder with --bundles",
  );
}

/** What cannot be written comes with the way out. */
function told(error: unknown): never {
  if (!(error instanceof RefusalError)) throw error;
  throw new DamselflyError(error.code, `${error.message}. ${error.refusal.todo}`, { cause: error });
}
