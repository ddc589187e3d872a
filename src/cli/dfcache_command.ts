import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../config/durations.ts";
import { parseSize } from "../config/sizes.ts";
import { parseDigest } from "../core/digest.ts";
import { CACHE_REPLICAS_MAX, CACHE_TTL_MS, checkCacheTaskId } from "../core/persistent_cache.ts";
import { askedPieceLength } from "../core/piece.ts";
import { environmentNames } from "./environment.ts";
import { checked } from "../runtime/command_line.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const REPLICAS = 2;
/** Longest wait for an answer about a task. */
const STAT_TIMEOUT_MS = 10_000;
/** Longest wait until a task is removed, for which the scheduler asks each host that has it. */
const REMOVE_TIMEOUT_MS = 60_000;

/** What all commands have. */
interface CommonFlags {
  readonly endpoint: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** The flags of `dfcache import`, checked. */
export interface ImportFlags extends CommonFlags {
  readonly contentForCalculatingTaskId?: string;
  readonly persistentReplicaCount: number;
  readonly pieceLength?: number;
  readonly application?: string;
  readonly tag?: string;
  /** Milliseconds. */
  readonly ttl: number;
  readonly progress: boolean;
}

/** The flags of `dfcache export`, checked. */
export interface ExportFlags extends CommonFlags {
  readonly output: string;
  readonly transferFromDfdaemon?: boolean;
  readonly overwrite?: boolean;
  readonly forceHardLink?: boolean;
  readonly application?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly progress: boolean;
}

/** What the command line asks for. */
export type DfcacheChoice =
  | { readonly name: "import"; readonly path: string; readonly flags: ImportFlags }
  | { readonly name: "export"; readonly id: string; readonly flags: ExportFlags }
  | { readonly name: "stat" | "remove"; readonly id: string; readonly flags: CommonFlags };

const HELP = `
A file that is imported stays in the cluster for --ttl, on --persistent-replica-count hosts, and is known by its task id
alone; it needs a scheduler. Options can be set in the environment too, as DFCACHE_IMPORT_TTL for --ttl of import. The work is done by the dfdaemon of this host, which must see the same file system.

Exit codes:
  0    done
  1    failed for another reason than those below
  2    wrong use
  3    dfdaemon, or its scheduler, cannot be reached
  6    the content has another digest than --digest
  7    --timeout is over
  130  interrupted

Examples:
  dfcache import /data/model.bin
  dfcache export 5d41...1e -O /data/model.bin
  dfcache remove 5d41...1e
`;

/** The command line of dfcache (node-side.md §5.3); `choose` is called with what it asks for. */
export function dfcacheCommand(choose: (choice: DfcacheChoice) => void = () => {}): Command {
  const program = new Command("dfcache").description("Keeps files in the cluster's peers, and gets them back.")
    .addHelpText("after", HELP);
  const commands = [importCommand(choose), exportCommand(choose), statCommand(choose), removeCommand(choose)];
  for (const command of commands) program.addCommand(command);
  return program;
}

/** The environment's names for the options of a subcommand, which are Dragonfly's. */
export function dfcacheEnvironment(subcommand: string): Readonly<Record<string, string>> {
  const prefix = `DFCACHE_${subcommand.toUpperCase()}`;
  return {
    ...environmentNames(prefix, [
      ...["content-for-calculating-task-id", "persistent-replica-count", "piece-length", "application", "tag", "ttl"],
      ...["timeout", "no-progress", "transfer-from-dfdaemon", "overwrite", "force-hard-link", "log-level", "console"],
    ]),
    endpoint: `${prefix}_DFDAEMON_ENDPOINT`,
  };
}

function importCommand(choose: (choice: DfcacheChoice) => void): Command {
  const command = new Command("import").description("Imports a file, and prints its task id.")
    .argument("<path>", "the file")
    .option("--content-for-calculating-task-id <text>", "the text decides the task id, and not the content of the file")
    .addOption(
      option("--persistent-replica-count <count>", "hosts that keep the file", parseReplicas).default(REPLICAS),
    )
    .addOption(option("--piece-length <size>", "length of pieces, 4MiB to 64MiB; part of the id", (text) => {
      return askedPieceLength(parseSize(text));
    }))
    .option("--application <name>", "application of the task; part of its id")
    .option("--tag <tag>", "tag of the task; part of its id")
    .addOption(option("--ttl <duration>", "how long the file is kept, 5m to 7d", parseTtl).default(HOUR_MS, "1h"))
    .addOption(timeoutOption(30 * MINUTE_MS, "30m"))
    .option("--no-progress", "accepted as in Dragonfly; nothing is shown while a file is imported");
  return withDaemonOptions(command).action((path: string) => {
    choose({ name: "import", path, flags: command.opts<ImportFlags>() });
  });
}

function exportCommand(choose: (choice: DfcacheChoice) => void): Command {
  const command = new Command("export").description("Writes the content of a task to a file.")
    .addArgument(idArgument())
    .requiredOption("-O, --output <file>", "where the file goes; its directory must exist")
    .option("--transfer-from-dfdaemon", "take the bytes through the socket and write the file here")
    .addOption(new Option("--overwrite", "replace the output if it exists").conflicts("forceHardLink"))
    .option("--force-hard-link", "fail where a hard link cannot be made, instead of copying")
    .option("--application <name>", "accepted as in Dragonfly; the id alone says which task it is")
    .option("--tag <tag>", "accepted as in Dragonfly; the id alone says which task it is")
    .addOption(timeoutOption(2 * HOUR_MS, "2h"))
    .addOption(
      option("--digest <digest>", "sha256:<hex> or sha512:<hex> that the content must have", (text) => {
        return parseDigest(text).text;
      }),
    )
    .option("--no-progress", "no progress line on a terminal");
  return withDaemonOptions(command).action((id: string) => {
    choose({ name: "export", id, flags: command.opts<ExportFlags>() });
  });
}

function statCommand(choose: (choice: DfcacheChoice) => void): Command {
  const command = new Command("stat").description("Shows what the cluster knows of a task.").addArgument(idArgument());
  return withDaemonOptions(command).action((id: string) => {
    choose({ name: "stat", id, flags: { ...command.opts<{ endpoint: string }>(), timeout: STAT_TIMEOUT_MS } });
  });
}

function removeCommand(choose: (choice: DfcacheChoice) => void): Command {
  const command = new Command("remove").alias("rm")
    .description("Removes a task from all hosts, before its time is over.").addArgument(idArgument());
  return withDaemonOptions(command).action((id: string) => {
    choose({ name: "remove", id, flags: { ...command.opts<{ endpoint: string }>(), timeout: REMOVE_TIMEOUT_MS } });
  });
}

function withDaemonOptions(command: Command): Command {
  return command
    .option(
      "-e, --endpoint <path>",
      "unix socket of dfdaemon (download.server.socketPath of its YAML)",
      "/var/run/dragonfly/dfdaemon.sock",
    )
    .option("-l, --log-level <level>", "accepted as in Dragonfly; dfcache keeps no log")
    .option("--console", "accepted as in Dragonfly; dfcache keeps no log");
}

function idArgument(): Argument {
  return new Argument("<id>", "task id, as the import printed it").argParser(checked(checkCacheTaskId));
}

function timeoutOption(ms: number, shown: string): Option {
  return option("--timeout <duration>", "longest time of it, such as 30s or 2h", parseDuration).default(ms, shown);
}

function option<T>(flags: string, description: string, parse: (text: string) => T): Option {
  return new Option(flags, description).argParser(checked(parse));
}

function parseReplicas(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= CACHE_REPLICAS_MAX) return count;
  throw new InvalidArgumentError(`expected 1 to ${CACHE_REPLICAS_MAX}`);
}

function parseTtl(text: string): number {
  const ms = parseDuration(text);
  if (ms >= CACHE_TTL_MS.min && ms <= CACHE_TTL_MS.max) return ms;
  throw new InvalidArgumentError("expected 5m to 7d");
}
