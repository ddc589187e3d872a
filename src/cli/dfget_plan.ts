import { resolve } from "node:path";
import type { Command } from "commander";
import { errorText } from "../core/error.ts";
import { isObjectUrl, locationOf } from "../peer/source/location.ts";
import type { ObjectStorageAccess } from "../peer/source/source.ts";
import { type DfgetOptions, dfgetOptions, givenOptions } from "./dfget_command.ts";
import { accessOf } from "./dfget_storage.ts";

/** What dfget was asked for, checked. */
export interface DfgetPlan extends DfgetOptions {
  /** Of a directory with a slash at its end. */
  readonly url: string;
  /** Absolute. */
  readonly output: string;
  readonly isDirectory: boolean;
  /** Of `s3:` URLs. */
  readonly access?: ObjectStorageAccess;
}

/** Pairs of options of which only one can be given. */
const EXCLUSIVE: readonly (readonly [string, string, why: string])[] = [
  ["--force-hard-link", "--overwrite", "a link replaces nothing"],
  ["--force-hard-link", "--transfer-from-dfdaemon", "only dfdaemon can make a link to what it stores"],
  ["--force-hard-link", "--range", "a link has the whole content"],
  ["--digest", "--range", "a digest is that of the whole content"],
];

/** Options that mean one file. */
const OF_FILES = ["--digest", "--range", "--content-for-calculating-task-id"];

/**
 * The plan of a parsed command; a text says what cannot be done. The environment is for any command, so that what it
 * sets (`environment`, options as they are typed) and has no meaning for this one is passed over.
 */
export function dfgetPlan(command: Command, environment: readonly string[]): DfgetPlan | string {
  const given = givenOptions(command);
  const has = (long: string) => given.some((option) => option.long === long);
  const typed = given.filter(({ long }) => !environment.some((text) => text.split("=")[0] === long));
  const refused = typed.find(({ hidden }) => hidden);
  if (refused !== undefined) return `option '${refused.long}' is not supported: ${refused.description}`;
  const options = dfgetOptions(command);
  const { output, header: { range: rangeHeader, ...header } } = options;
  if (output === undefined) return "option '-O, --output <path>' is required";
  if (rangeHeader !== undefined) return "header 'range' is not sent as it is: use --range";
  for (const [one, other, why] of EXCLUSIVE) {
    if (has(one) && has(other)) return `options '${one}' and '${other}' exclude each other: ${why}`;
  }
  const [text] = command.processedArgs as [string];
  const isDirectory = options.recursive === true || (isObjectUrl(text) && text.endsWith("/"));
  const url = isDirectory && !text.endsWith("/") ? `${text}/` : text;
  const place = placeOf(url, options, typed.map(({ long }) => long ?? ""));
  if (typeof place === "string") return place;
  const ofFile = OF_FILES.find((option) => typed.some(({ long }) => long === option));
  if (isDirectory && !isObjectUrl(url)) return "option '--recursive' is only for s3:// URLs: HTTP has no directories";
  if (isDirectory && ofFile !== undefined) return `option '${ofFile}' is only for single files`;
  if (!isDirectory && has("--include-files")) return "option '--include-files' is only for directories";
  return { ...options, ...place, header, url, output: resolve(output), isDirectory };
}

/** How the source is reached; a text says why it is not. */
function placeOf(
  url: string,
  options: DfgetOptions,
  typed: readonly string[],
): { readonly access?: ObjectStorageAccess } | string {
  const ofStorage = typed.find((long) => long.startsWith("--storage-"));
  const isObject = isObjectUrl(url);
  const access = accessOf(options);
  if (isObject && access === undefined) return "the id of the access key and its secret belong together";
  try {
    locationOf({ url, objectStorage: access });
  } catch (error) {
    return errorText(error);
  }
  if (isObject && access !== undefined) return { access };
  return ofStorage === undefined ? {} : `option '${ofStorage}' is only for s3:// URLs`;
}
