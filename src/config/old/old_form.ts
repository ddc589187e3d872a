import { DamselflyError } from "../../core/error.ts";
import { isTable } from "../clean.ts";
import { formatDuration, parseDuration } from "../durations.ts";
import { formatSize } from "../sizes.ts";

/** A map of YAML. */
export type Table = Readonly<Record<string, unknown>>;

/** What becomes of a key of an old form. */
export type Fate =
  /** Its value is that of a key of today. */
  | { readonly kind: "becomes"; readonly key: string; readonly value: unknown }
  /** It names a scheduler, which is named in the dynconfig file today. */
  | { readonly kind: "scheduler"; readonly addr: string }
  /** It has no meaning any more, and nothing is lost. */
  | { readonly kind: "gone"; readonly why: string }
  /** It did something that nothing does by itself today: a person has to say what is wanted. */
  | { readonly kind: "decide"; readonly what: string };

/** Says what becomes of a key with this value; `file` is the whole file. May throw `invalid_argument`. */
export type OldKey = (value: unknown, file: Table) => readonly Fate[];

/** A form that configuration files once had. */
export interface OldForm {
  /** How users know it. */
  readonly name: string;
  /** The component of today that takes over. */
  readonly component: string;
  /**
   * By path, as `proxy.registryMirror.url`; a path with a `[]` does not occur, for lists are taken as a whole. A table
   * that is named stands for all below it, unless a longer path is named too. Keys that kept name and meaning are not
   * here.
   */
  readonly keys: Readonly<Record<string, OldKey>>;
  /** What is to be decided, and what holds by default, with a file of this form whatever is in it. */
  readonly always?: (file: Table) => readonly Fate[];
}

/** The key has this name today. */
export function becomes(key: string, convert: (value: unknown) => unknown = (value) => value): OldKey {
  return (value) => [{ kind: "becomes", key, value: convert(value) }];
}

/** The key has no meaning any more. */
export function gone(why: string): OldKey {
  return () => [{ kind: "gone", why }];
}

/** The key has to be decided about if its value is one of those that did something, and is gone otherwise. */
export function decideIf(isActive: (value: unknown) => boolean, what: string): OldKey {
  return (value) => [isActive(value) ? { kind: "decide", what } : { kind: "gone", why: "it switched nothing on" }];
}

/** Whether a flag is set, also as text. */
export const isOn = (value: unknown): boolean => value === true || value === "true";

/** Whether a flag is written and not set, also as text. */
export const isOff = (value: unknown): boolean => value === false || value === "false";

/** Whether a value says anything: not nothing, 0, false, an empty text, or a list or table of such. */
export function saysSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(saysSomething);
  if (isTable(value)) return Object.values(value).some(saysSomething);
  return value !== null && value !== undefined && value !== "" && value !== false && value !== 0;
}

/** A duration of Go: a text, or a number of nanoseconds. Throws `invalid_argument`. */
export function goDuration(value: unknown): string {
  if (typeof value === "number") return formatDuration(Math.ceil(value / 1e6));
  return formatDuration(parseDuration(String(value)));
}

const OLD_SIZE = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?$/i;

/** A size or rate of old: powers of 1024 whatever the unit is called, such as `20M`, `512Mi` or `1GB`. */
export function oldSize(value: unknown): string {
  const [, amount, unit = ""] = OLD_SIZE.exec(String(value).trim()) ?? [];
  if (amount === undefined) throw unreadable(value, "a size such as 20M or 512Mi");
  const power = ["", "k", "m", "g", "t", "p"].indexOf(unit.toLowerCase());
  return formatSize(Math.round(Number(amount) * 1024 ** power));
}

/** A port: a number, or a range of which the first counts. Throws `invalid_argument`. */
export function oldPort(value: unknown): number {
  const port = Number(isTable(value) ? value["start"] : value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw unreadable(value, "a port");
  return port;
}

/** A whole number, also as text. */
export function wholeNumber(value: unknown): number {
  const number = Number(value);
  if (value === "" || !Number.isSafeInteger(number)) throw unreadable(value, "a whole number");
  return number;
}

/** The value at a path of a file. */
export function at(file: Table, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => isTable(value) ? value[key] : undefined, file);
}

function unreadable(value: unknown, expected: string): DamselflyError {
  const shown = typeof value === "string" || typeof value === "number" ? ` "${String(value).slice(0, 64)}"` : "";
  return new DamselflyError("invalid_argument", `Cannot read the value${shown}: expected ${expected}`);
}
