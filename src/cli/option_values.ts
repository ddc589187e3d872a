/** Values of options that several programs have. */
import { InvalidArgumentError } from "commander";
import { parseSize } from "../config/sizes.ts";
import { askedPieceLength } from "../core/piece.ts";

/** The highest priority, which is the least urgent. */
export const PRIORITY_MAX = 6;

/** 0 to 6. */
export function parsePriority(text: string): number {
  const level = Number(text);
  if (/^\d$/.test(text) && level <= PRIORITY_MAX) return level;
  throw new InvalidArgumentError(`expected 0 to ${PRIORITY_MAX}`);
}

/** A length of pieces in bytes, such as `8MiB`. */
export function parsePieceLength(text: string): number {
  return askedPieceLength(parseSize(text));
}

/** Collects request headers, each `name: value`. */
export function addHeader(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value = ""] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("expected 'name: value'");
  return { ...before, [name.toLowerCase()]: value };
}

/** Collects the texts of an option that may be repeated. */
export function addText(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...before ?? [], text];
}

/** A count from 1 to `max`. */
export function parseCount(max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d{1,9}$/.test(text) && count >= 1 && count <= max) return count;
    throw new InvalidArgumentError(`expected 1 to ${max}`);
  };
}
