import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { checked } from "../runtime/command_line.ts";
import { parseDuration } from "../config/durations.ts";
import { parseDigest } from "../core/digest.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS } from "../core/task_id.ts";
import { type StorageFlags, storageOptions } from "./dfget_storage.ts";
import { environmentNames } from "./environment.ts";
import { addIncludedFiles } from "./included_files.ts";
import { addHeader, addText, parseCount, parsePieceLength, parsePriority, PRIORITY_MAX } from "./option_values.ts";

const TIMEOUT_MS = 2 * 60 * 60 * 1_000;
const FILES = 100;
/** Of a directory; its list has no more in any case. */
const FILES_MAX = 10_000;
const CONCURRENT_REQUESTS = 5;
const CONCURRENT_REQUESTS_MAX = 64;

/** What the options say, each checked by itself. */
export interface DfgetOptions extends StorageFlags {
  readonly output?: string;
  readonly transferFromDfdaemon?: boolean;
  readonly overwrite?: boolean;
  readonly forceHardLink?: boolean;
  readonly contentForCalculatingTaskId?: string;
  readonly recursive?: boolean;
  /** Patterns of paths below the directory. */
  readonly includeFiles?: readonly string[];
  readonly maxFiles: number;
  readonly maxConcurrentRequests: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly digest?: string;
  /** The value of a `Range` header. */
  readonly range?: string;
  readonly priority: number;
  readonly pieceLength?: number;
  readonly application?: string;
  readonly tag?: string;
  readonly header: Readonly<Record<string, string>>;
  readonly filteredQueryParam?: readonly string[];
  readonly disableBackToSource?: boolean;
  readonly progress: boolean;
  readonly endpoint: string;
}

const HUBS = "hubs are not supported; use the https:// URL of a file, and --header for a token";

/** Options of Dragonfly's dfget that cannot work, and why: hidden from the help, refused with that description. */
const REFUSED: Readonly<Record<string, string>> = {
  "--hdfs-delegation-token <token>": "HDFS is not supported; use the http:// URL of WebHDFS",
  "--storage-credential-path <file>": "only keys are supported; for Google Cloud Storage use an HMAC key",
  ...Object.fromEntries(
    ["ms", "hf"].flatMap((hub) => ["revision", "token", "base-url"].map((name) => [`--${hub}-${name} <value>`, HUBS])),
  ),
};

/** The environment's names for options, which are Dragonfly's. */
export const DFGET_ENVIRONMENT: Readonly<Record<string, string>> = environmentNames("DFGET", [
  ...["transfer-from-dfdaemon", "overwrite", "force-hard-link", "content-for-calculating-task-id", "timeout"],
  ...["priority", "piece-length", "application", "tag", "disable-back-to-source", "max-files"],
  ...["max-concurrent-requests", "no-progress", "log-level", "console"],
  ...["region", "endpoint", "access-key-id", "access-key-secret", "security-token", "session-token"]
    .map((name) => `storage-${name}`),
  ...["storage-insecure-skip-verify", "storage-predefined-acl", "storage-credential-path", "hdfs-delegation-token"],
  ...["ms-revision", "ms-token", "ms-base-url", "hf-revision", "hf-token", "hf-base-url"],
]);

const HELP = `
The download is done by the dfdaemon of this host, which shares it with other peers. Where there is none, or it cannot do
it, dfget says so and downloads from the source itself; --disable-back-to-source forbids that. Without
--transfer-from-dfdaemon dfdaemon puts the file in place, so both must see the same file system.

Most options can be set in the environment too: DFGET_STORAGE_ACCESS_KEY_SECRET for --storage-access-key-secret. Secrets
are better there, for a command line is seen by everybody on the host.

Exit codes:
  0    done
  1    failed for another reason than those below
  2    wrong use
  3    dfdaemon cannot be reached, and --disable-back-to-source was given
  4    the origin refused (4xx)
  5    the origin failed (5xx) or cannot be reached
  6    the content has another digest than --digest
  7    --timeout is over
  130  interrupted

Examples:
  dfget https://example.com/model.bin -O /data/model.bin --digest sha256:...
  dfget s3://models/llm/ -O /data/llm --storage-endpoint https://minio.corp:9000 --include-files '*.safetensors'
`;

/** The command line of dfget (node-side.md §5.2). */
export function dfgetCommand(): Command {
  const command = new Command("dfget")
    .description("Downloads a file or a directory through the dfdaemon of this host.")
    .addArgument(
      new Argument(
        "<url>",
        "http://, https:// or s3:// URL of a file, or s3:// URL of a directory, with a slash at its end",
      )
        .argParser(checked(parseUrl)),
    );
  for (const option of [...contentOptions(), ...wayOptions(), ...directoryOptions(), ...storageOptions()]) {
    command.addOption(option);
  }
  command
    .option("--no-progress", "tell nothing while it goes on")
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

/** What is wanted. */
function contentOptions(): Option[] {
  return [
    // Not mandatory for commander, which would hide what else is wrong behind that.
    new Option("-O, --output <path>", "where the file goes, required; its directory must exist"),
    new Option("--overwrite", "replace the output if it exists"),
    new Option("--digest <digest>", "sha256:<hex> or sha512:<hex> that the content must have")
      .argParser(checked((text) => parseDigest(text).text)),
    new Option("--range <range>", "only these bytes, counted from 0: 0-99, 100- or, for the last ones, -100")
      .argParser(parseRange),
    new Option("-H, --header <name: value>", "request header for the origin; may be repeated")
      .argParser(addHeader).default({}, "none"),
    new Option("--application <name>", "application of the task; part of its identity"),
    new Option("--tag <tag>", "tag of the task; part of its identity"),
    new Option("--piece-length <size>", "length of pieces, 4MiB to 64MiB; part of the task's identity")
      .argParser(checked(parsePieceLength)),
    new Option(
      "--filtered-query-param <name>",
      "query parameter that does not tell contents apart; may be repeated (default: those of presigned URLs)",
    ).argParser(addText),
    new Option("--content-for-calculating-task-id <text>", "the text decides the task, and not the URL"),
  ];
}

/** How it comes here. */
function wayOptions(): Option[] {
  return [
    new Option("--transfer-from-dfdaemon", "take the bytes through the socket and write the file here"),
    new Option("--force-hard-link", "fail where dfdaemon cannot make the output a hard link, instead of copying"),
    new Option("--disable-back-to-source", "download from other peers only"),
    new Option("-p, --priority <level>", "0 to 6").argParser(checked(parsePriority)).default(PRIORITY_MAX),
    new Option("--timeout <duration>", "longest time of all of it, such as 30s or 2h")
      .argParser(checked(parseDuration)).default(TIMEOUT_MS, "2h"),
  ];
}

function directoryOptions(): Option[] {
  return [
    new Option("-r, --recursive", "the URL is of a directory, and the output one that exists"),
    new Option(
      "-I, --include-files <pattern>",
      "only these of a directory: paths below it, with * ? and **, or sub/ for all below that; may be repeated",
    ).argParser(addIncludedFiles),
    new Option("--max-files <count>", "refuse a directory with more files")
      .argParser(parseCount(FILES_MAX)).default(FILES),
    new Option("--max-concurrent-requests <count>", "files of a directory at a time")
      .argParser(parseCount(CONCURRENT_REQUESTS_MAX)).default(CONCURRENT_REQUESTS),
  ];
}

/** The options of a parsed command, with what stands for some that are left out. */
export function dfgetOptions(command: Command): DfgetOptions {
  return { filteredQueryParam: DEFAULT_FILTERED_QUERY_PARAMS, ...command.opts<DfgetOptions>() };
}

/** The options that were given, in the environment or on the command line. */
export function givenOptions(command: Command): Option[] {
  return command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");
}

function parseUrl(text: string): string {
  if (URL.canParse(text)) return text;
  throw new InvalidArgumentError("expected an absolute URL");
}

function parseRange(text: string): string {
  const [, first = "", last = ""] = /^(?:bytes=)?(\d{0,15})-(\d{0,15})$/.exec(text) ?? [];
  const isRight = first === "" ? Number(last) > 0 : last === "" || Number(first) <= Number(last);
  if (isRight) return `bytes=${first}-${last}`;
  throw new InvalidArgumentError("expected first-last, first- or -count");
}
