import type { Command } from "commander";
import { DamselflyError } from "../core/error.ts";

/** The environment, as {@link Runtime.env}. */
export type Env = (name: string) => string | undefined;

const TRUE = /^(1|true|yes)$/i;
const FALSE = /^(|0|false|no)$/i;

/**
 * Arguments that variables of the environment stand for, as Dragonfly's programs read them: `DFGET_STORAGE_REGION` for
 * `--storage-region`. They go before those of the command line, which then have the last word. `names` is for each
 * option (without dashes) what follows the prefix. Throws `invalid_argument` for a switch that is neither on nor off.
 */
export function argumentsOfEnvironment(
  command: Command,
  names: Readonly<Record<string, string>>,
  env: Env,
): string[] {
  const set: string[] = [];
  for (const option of command.options) {
    const name = names[option.long?.slice(2) ?? ""];
    const value = name === undefined ? undefined : env(name);
    if (name === undefined || value === undefined) continue;
    if (option.required) set.push(`${option.long}=${value}`);
    else if (TRUE.test(value)) set.push(option.long ?? "");
    else if (!FALSE.test(value)) {
      throw new DamselflyError("invalid_argument", `${name} is "${value}", and can only be true or false`);
    }
  }
  return set;
}

/** `DFGET_STORAGE_REGION` for `storage-region`, for each of these options. */
export function environmentNames(prefix: string, options: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options.map((option) => [option, `${prefix}_${option.replaceAll("-", "_").toUpperCase()}`]),
  );
}
