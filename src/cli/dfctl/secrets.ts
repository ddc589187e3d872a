import { DamselflyError } from "../../core/error.ts";
import type { Context } from "./context.ts";

const SECRET_BYTES_MAX = 4_096;

/** A secret that is typed unseen, or is all that stands on standard input. Never an argument, which others can read. */
export async function askSecret(
  { input, terminal, signal }: Context,
  { what, flag, isOnStdin }: { readonly what: string; readonly flag: string; readonly isOnStdin: boolean },
): Promise<string> {
  if (isOnStdin) return checkedSecret(what, (await input.readAll(SECRET_BYTES_MAX, signal)).replace(/\r?\n$/, ""));
  if (!input.isTty) {
    const message = `Cannot ask for the ${what}: standard input is no terminal; ${flag} reads it from there`;
    throw new DamselflyError("failed_precondition", message);
  }
  terminal.printError(`${what[0]?.toUpperCase()}${what.slice(1)}: `);
  try {
    return checkedSecret(what, await input.readHiddenLine(signal));
  } finally {
    terminal.printError("\n");
  }
}

function checkedSecret(what: string, secret: string): string {
  if (secret !== "" && !/[\r\n]/.test(secret)) return secret;
  const why = secret === "" ? "it is empty" : "it has several lines";
  throw new DamselflyError("invalid_argument", `Cannot use the ${what}: ${why}`);
}
