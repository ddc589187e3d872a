import { isIP } from "node:net";
import { type Command, Option } from "commander";
import { DamselflyError } from "../../core/error.ts";
import { DEFAULT_FILTERED_QUERY_PARAMS } from "../../core/task_id.ts";
import { parseImageReference } from "../../oci/image_reference.ts";
import { defaultEndpoint } from "../../oci/registry_namespace.ts";
import { addHeader, parsePieceLength } from "../option_values.ts";
import { option, repeated, wholeNumber } from "./leaf.ts";

const SCOPES = ["single_seed_peer", "all_seed_peers", "all_peers"];
const IPS_MAX = 100;

/** What every preheat can be told (manager-rest.md §4.2). */
export interface PreheatFlags {
  readonly scope?: string;
  readonly ip?: readonly string[];
  readonly count?: number;
  readonly percentage?: number;
  readonly concurrentTaskCount?: number;
  readonly concurrentPeerCount?: number;
  readonly platform?: string;
  readonly username?: string;
  readonly pieceLength?: number;
  readonly tag?: string;
  readonly application?: string;
  readonly filteredQueryParam?: readonly string[];
  readonly header?: Readonly<Record<string, string>>;
  readonly plainHttp?: boolean;
}

/** What is fetched: the manifest of an image with all that it names, or a file. */
export interface PreheatContent {
  readonly type: "image" | "file";
  readonly url: string;
}

/** Adds the options of {@link PreheatFlags}; `scope` is the default as the help shows it. */
export function withPreheatOptions(command: Command, { scope }: { readonly scope: string }): Command {
  return command
    .addOption(new Option("--scope <scope>", `who gets it (default: ${scope})`).choices(SCOPES))
    .addOption(repeated("--ip <address>", "only hosts of the scope with these addresses; may be repeated", parseIp))
    .addOption(option("--count <count>", "so many hosts of the scope", wholeNumber(1, 200)))
    .addOption(option("--percentage <percent>", "so many of a hundred hosts of the scope", wholeNumber(1, 100)))
    .addOption(option("--concurrent-task-count <count>", "contents at a time", wholeNumber(1, 100)))
    .addOption(option("--concurrent-peer-count <count>", "hosts at a time for each content", wholeNumber(1, 1_000)))
    .option("--platform <platform>", "os/arch[/variant] of an image; all that it has when left out")
    .option("--username <name>", "account at the registry")
    .option("--plain-http", "the registry of an image name speaks plain HTTP")
    .addOption(
      option("--piece-length <size>", "length of pieces, 4MiB to 64MiB; part of the tasks' identity", parsePieceLength),
    )
    .option("--tag <tag>", "tag of the tasks; part of their identity")
    .option("--application <name>", "application of the tasks; part of their identity")
    .addOption(
      repeated(
        "--filtered-query-param <name>",
        "query parameter that does not tell contents apart; may be repeated (default: those of presigned URLs)",
        String,
      ),
    )
    .addOption(
      new Option("-H, --header <name: value>", "request header for the registry or the origin; may be repeated")
        .argParser(addHeader).default({}, "none"),
    );
}

/**
 * What is meant by a text: an image name, also behind `oci://`, the URL of an image's manifest, or any other http(s) URL,
 * which is a file. Throws `invalid_argument`.
 */
export function parseContent(text: string, { plainHttp }: Pick<PreheatFlags, "plainHttp">): PreheatContent {
  if (/^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) throw new DamselflyError("invalid_argument", `Cannot preheat ${text}: it is no URL`);
    return { type: /\/v2\/.+\/manifests\/[^/]+$/.test(new URL(text).pathname) ? "image" : "file", url: text };
  }
  const { namespace, repository, tag, digest } = parseImageReference(text.replace(/^oci:\/\//, ""));
  const { origin } = plainHttp === true ? new URL(`http://${namespace}`) : defaultEndpoint(namespace);
  return { type: "image", url: `${origin}/v2/${repository}/manifests/${digest?.text ?? tag}` };
}

/** The names of query parameters that are filtered. */
export function filteredParams({ filteredQueryParam }: PreheatFlags): readonly string[] {
  return filteredQueryParam ?? DEFAULT_FILTERED_QUERY_PARAMS;
}

/** Says why flags cannot be used together. Throws `invalid_argument`. */
export function checkPreheatFlags({ ip = [], username }: PreheatFlags, hasPassword: boolean): void {
  if (ip.length > IPS_MAX) throw new DamselflyError("invalid_argument", `Of --ip there can be ${IPS_MAX} at most`);
  if (hasPassword && username === undefined) {
    throw new DamselflyError("invalid_argument", "A password needs the account that it is of: --username");
  }
}

function parseIp(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new DamselflyError("invalid_argument", "expected an IP address");
}
