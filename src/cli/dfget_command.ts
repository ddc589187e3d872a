import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { checked } from "../runtime/command_line.ts";
import { parseDuration } from "../config/durations.ts";
import { parseDigest } from "../core/digest.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS } from "../core/task_id.ts";
import { addHeader, addText, parsePieceLength, parsePriority, PRIORITY_MAX } from "./option_values.ts";

const TIMEOUT_MS = 2 * 60 * 60 * 1_000;

/** What the command line says, checked. */
export interface DfgetFlags {
  readonly output: string;
  readonly transferFromDfdaemon?: boolean;
  readonly overwrite?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  readonly digest?: string;
  readonly priority: number;
  readonly pieceLength?: number;
  readonly application?: string;
  readonly tag?: string;
  readonly header: Readonly<Record<string, string>>;
  readonly filteredQueryParam: readonly string[];
  readonly disableBackToSource?: boolean;
  readonly progress: boolean;
  readonly endpoint: string;
}

/** Options of Dragonfly's dfget that cannot work yet, and why: hidden from the help, refused with that description. */
const REFUSED: Readonly<Record<string, string>> = {
  "-r, --recursive": "only single files can be downloaded",
  "-I, --include-files <pattern>": "only single files can be downloaded",
  "--max-files <count>": "only single files can be downloaded",
  "--max-concurrent-requests <count>": "only single files can be downloaded",
  "--force-hard-link": "the output is always a copy, which may be edited",
  "--content-for-calculating-task-id <text>": "the URL decides the task",
  "--hdfs-delegation-token <token>": "HDFS is not supported",
  ...Object.fromEntries(
    ["region", "endpoint", "access-key-id", "access-key-secret", "security-token", "session-token", "credential-path"]
      .map((name) => [`--storage-${name} <value>`, "object storage is not supported; use a presigned https:// URL"]),
  ),
};

const HELP = `
The download is done by the dfdaemon of this host, which shares it with other peers; dfget never goes to the origin
itself. Without --transfer-from-dfdaemon dfdaemon puts the file in place, so both must see the same file system.
Without a terminal, one line is printed at the end.

Exit codes:
  0    done
  1    failed for another reason than those below
  2    wrong use
  3    dfdaemon cannot be reached
  4    the origin refused (4xx)
  5    the origin failed (5xx) or cannot be reached
  6    the content has another digest than --digest
  7    --timeout is over
  130  interrupted

Example:
  dfget https://example.com/model.bin -O /data/model.bin --digest sha256:...
`;

/** The command line of dfget (node-side.md §5.2). */
export function dfgetCommand(): Command {
  const command = new Command("dfget")
    .description("Downloads a file through the dfdaemon of this host.")
    .addArgument(new Argument("<url>", "http:// or https:// URL of a file").argParser(checked(parseFileUrl)))
    // Not commander's requiredOption, which would hide what else is wrong behind it.
    .option("-O, --output <file>", "where the file goes, required; its directory must exist")
    .option("--transfer-from-dfdaemon", "take the bytes through the socket and write the file here")
    .option("--overwrite", "replace the output if it exists")
    .addOption(
      new Option("--timeout <duration>", "longest time of the download, such as 30s or 2h")
        .argParser(checked(parseDuration)).default(TIMEOUT_MS, "2h"),
    )
    .option("--digest <digest>", "sha256:<hex> or sha512:<hex> that the content must have", checked(digestText))
    .option("-p, --priority <level>", "0 to 6", checked(parsePriority), PRIORITY_MAX)
    .option(
      "--piece-length <size>",
      "length of pieces, 4MiB to 64MiB; part of the task's identity",
      checked(parsePieceLength),
    )
    .option("--application <name>", "application of the task; part of its identity")
    .option("--tag <tag>", "tag of the task; part of its identity")
    .addOption(
      new Option("-H, --header <name: value>", "request header for the origin; may be repeated")
        .argParser(addHeader).default({}, "none"),
    )
    .option(
      "--filtered-query-param <name>",
      "query parameter that does not tell contents apart; may be repeated (default: those of presigned URLs)",
      addText,
    )
    .option("--disable-back-to-source", "download from other peers only")
    .option("--no-progress", "no progress line on a terminal")
    .option(
      "-e, --endpoint <path>",
      "unix socket of dfdaemon (download.server.socketPath of its YAML)",
      "/var/run/dragonfly/dfdaemon.sock",
    )
    .option("-l, --log-level <level>", "accepted as in Dragonfly; dfget keeps no log")
    .option("--console", "accepted as in Dragonfly; dfget keeps no log")
    .addHelpText("after", HELP);
  for (const [flags, why] of Object.entries(REFUSED)) command.addOption(new Option(flags, why).hideHelp());
  return command;
}

/** The checked flags of a parsed command; a text says why one of them cannot be used. */
export function dfgetFlags(command: Command): DfgetFlags | string {
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  const refused = given.find(({ hidden }) => hidden);
  if (refused !== undefined) return `option '${refused.long}' is not supported: ${refused.description}`;
  if (!given.some(({ long }) => long === "--output")) return "option '-O, --output <file>' is required";
  const flags = command.opts<Omit<DfgetFlags, "filteredQueryParam"> & { filteredQueryParam?: readonly string[] }>();
  return { ...flags, filteredQueryParam: flags.filteredQueryParam ?? DEFAULT_FILTERED_QUERY_PARAMS };
}

function parseFileUrl(text: string): string {
  if (!URL.canParse(text)) throw new InvalidArgumentError("expected an absolute URL");
  const { protocol, pathname } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:") {
    throw new InvalidArgumentError(`scheme ${protocol.slice(0, -1)} is not supported, only http and https`);
  }
  if (pathname.endsWith("/") && pathname !== "/") throw new InvalidArgumentError("directories are not supported");
  return text;
}

function digestText(text: string): string {
  return parseDigest(text).text;
}
