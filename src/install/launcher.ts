import { join } from "node:path/posix";

/** What a command runs. */
export interface Launched {
  /** Flags of `deno run`: what is offline, what V8 is told, what is allowed. */
  readonly flags: readonly string[];
  /** Name of the bundle in the folder of the programs. */
  readonly script: string;
}

/** The command of a bundle whose folder is known, as a script of `/bin/sh`. */
export function launcherText(library: string, { flags, script }: Launched): string {
  const words = [join(library, "deno"), "run", "--quiet", ...flags, join(library, script)];
  return `#!/bin/sh\nexec ${words.map(shellWord).join(" ")} "$@"\n`;
}

/**
 * The command of a bundle in `../lib/damselfly`, wherever that is unpacked to and however the command is linked. Where
 * there is no Deno beside the bundle, the one on the path runs it.
 */
export function movableLauncherText({ flags, script }: Launched): string {
  const words = ["run", "--quiet", ...flags].map(shellWord).join(" ");
  return `#!/bin/sh
library=$(dirname "$(readlink -f "$0")")/../lib/damselfly
deno=$library/deno
[ -x "$deno" ] || deno=deno
exec "$deno" ${words} "$library/${script}" "$@"
`;
}

function shellWord(word: string): string {
  return /^[\w/.,:=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
