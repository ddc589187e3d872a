import { join } from "node:path/posix";

/** What a command runs. */
export interface Launched {
  /** Flags of `deno run`: what is offline, what V8 is told, what is allowed. */
  readonly flags: readonly string[];
  /** Name of the bundle in the folder of the programs. */
  readonly script: string;
}

/** The command of a bundle whose folder is known, as a script of `/bin/sh`. */
export function launcherText(library: string, launched: Launched): string {
  return `#!/bin/sh\nexec ${startOf(library, launched)} "$@"\n`;
}

function startOf(library: string, { flags, script }: Launched): string {
  return [join(library, "deno"), "run", "--quiet", ...flags, join(library, script)].map(shellWord).join(" ");
}

/**
 * The command of a long-lived program in an image. V8 makes code of a whole bundle at its first start, which costs 70 MB
 * that are never given back; with what an earlier start left in `DENO_DIR` it does not. So where there was none the
 * bundle is started once to say its version, which takes a third of a second.
 */
export function warmLauncherText(library: string, launched: Launched): string {
  const start = startOf(library, launched);
  const mark = `"$DENO_DIR/${launched.script}.warm"`;
  return `#!/bin/sh
[ -e ${mark} ] || { ${start} --version && true >${mark}; } >/dev/null 2>&1
exec ${start} "$@"
`;
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
