import { basename } from "node:path";
import type * as z from "zod";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DfinitConfig } from "../config/dfinit.ts";
import { parseConfig } from "../config/load.ts";
import { ManagerConfig } from "../config/manager.ts";
import { componentsOf, convert, oldFormOf } from "../config/old/convert.ts";
import { readOldFile } from "../config/old/old_file.ts";
import { conversionText } from "../config/old/old_text.ts";
import { PeerDynconfig } from "../config/peer_dynconfig.ts";
import { SchedulerConfig } from "../config/scheduler.ts";
import { DamselflyError } from "../core/error.ts";
import { parseArguments, withCommonOptionsBelow } from "../runtime/command_line.ts";
import type { Disk } from "../runtime/disk.ts";
import { EXIT as COMMON_EXIT } from "../runtime/main.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { type ConfigChoice, configCommand, type Kind, KINDS } from "./config_command.ts";

/** How `damselfly config` ends. */
export const EXIT = { ...COMMON_EXIT, toDecide: 3 } as const;

/** A converted file may hold passwords. */
const OUTPUT_MODE = 0o600;

const SCHEMAS: Readonly<Record<Kind, z.ZodObject>> = {
  dfdaemon: DfdaemonConfig,
  scheduler: SchedulerConfig,
  manager: ManagerConfig,
  dfinit: DfinitConfig,
  dynconfig: PeerDynconfig,
};

/** What `damselfly config` needs of the world. */
export interface ConfigEffects {
  readonly disk: Pick<Disk, "readText" | "stat" | "writeTextAtomic">;
  readonly terminal: Pick<Terminal, "print" | "printError">;
}

/** Runs `damselfly config` with the arguments of a command line, and returns the exit code. */
export async function runConfig(args: readonly string[], effects: ConfigEffects): Promise<number> {
  let choice: ConfigChoice | undefined;
  const program = withCommonOptionsBelow(configCommand((chosen) => choice = chosen), effects.terminal);
  const ended = parseArguments(program, args);
  if (ended !== undefined) return ended;
  if (choice === undefined) return EXIT.usage;
  const text = await effects.disk.readText(choice.file);
  return choice.name === "convert"
    ? await convertFile(choice, text, effects)
    : checkFile(choice, text, effects.terminal);
}

async function convertFile(
  { file, kind, output }: ConfigChoice & { name: "convert" },
  text: string,
  { disk, terminal }: ConfigEffects,
): Promise<number> {
  const table = readOldFile(text, file);
  const component = kind ?? onlyOne(componentsOf(table, SCHEMAS), file);
  const schema = SCHEMAS[component];
  const form = oldFormOf(table, schema, component);
  if (form === undefined) {
    throw new DamselflyError(
      "invalid_argument",
      `${file} has no key of an old form of ${component}: leave it as it is`,
    );
  }
  const conversion = convert(table, form, schema);
  const converted = conversionText(conversion, basename(file));
  const { warnings } = parseConfig(schema, converted, `what ${file} becomes`);
  for (const warning of warnings) terminal.printError(`warning: ${warning}\n`);
  if (output === undefined) terminal.print(converted);
  else await writeNew(output, converted, disk);
  const count = conversion.decide.length;
  if (count === 0) return EXIT.done;
  const where = output ?? "the result";
  terminal.printError(`${count} ${count === 1 ? "thing has" : "things have"} to be decided: see the top of ${where}\n`);
  return EXIT.toDecide;
}

async function writeNew(path: string, text: string, disk: ConfigEffects["disk"]): Promise<void> {
  if (await disk.stat(path) !== undefined) {
    throw new DamselflyError("already_exists", `Cannot write ${path}: it exists; name a new file`);
  }
  await disk.writeTextAtomic(path, text, { mode: OUTPUT_MODE });
}

function checkFile({ file, kind }: ConfigChoice, text: string, terminal: ConfigEffects["terminal"]): number {
  const { warnings } = parseConfig(SCHEMAS[kind ?? onlyOne([], file)], text, file);
  for (const warning of warnings) terminal.printError(`warning: ${warning}\n`);
  terminal.print(`${file} is fine${warnings.length === 0 ? "" : ", with what the warnings say"}\n`);
  return EXIT.done;
}

/** The component whose file this is, when its keys leave one, or by the name of the file. */
function onlyOne(components: readonly string[], file: string): Kind {
  const known = KINDS.filter((kind) => components.length === 0 || components.includes(kind));
  const [only] = known.length === 1 ? known : known.filter((kind) => basename(file).includes(kind));
  if (only !== undefined) return only;
  throw new DamselflyError(
    "invalid_argument",
    `Cannot tell whose file ${file} is: add --kind, one of ${KINDS.join(", ")}`,
  );
}
