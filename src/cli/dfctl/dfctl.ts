import { type Command } from "commander";
import { DamselflyError, errorText } from "../../core/error.ts";
import { parseArguments, withCommonOptionsBelow } from "../../runtime/command_line.ts";
import { EXIT, exitCodeOf } from "../daemon_error.ts";
import { printable } from "../table.ts";
import type { Act, DfctlEffects } from "./context.ts";
import { dfctlCommand } from "./dfctl_command.ts";

/** Runs dfctl with the arguments of the command line and returns the exit code. */
export async function runDfctl(args: readonly string[], effects: DfctlEffects, signal: AbortSignal): Promise<number> {
  const { terminal } = effects;
  const chosen: Act[] = [];
  const program = withCommonOptionsBelow(dfctlCommand((act) => chosen.push(act)), terminal);
  refuseHidden(program);
  const ended = parseArguments(program, args);
  const [act] = chosen;
  if (ended !== undefined || act === undefined) return ended ?? EXIT.usage;
  try {
    return await act({ ...effects, signal }) ?? EXIT.done;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    terminal.printError(`dfctl: ${printable(textOf(error))}\n`);
    const isWrongUse = error instanceof DamselflyError && error.code === "invalid_argument";
    return isWrongUse ? EXIT.usage : exitCodeOf(error);
  }
}

/** Hidden options are those of Dragonfly that cannot work; their descriptions say why. */
function refuseHidden(command: Command): void {
  for (const { hidden, long, description } of command.options) {
    if (!hidden || long === undefined) continue;
    command.on(`option:${long.slice(2)}`, () => {
      command.error(`error: option '${long}' is not supported: ${description}`);
    });
  }
  for (const child of command.commands) refuseHidden(child);
}

/** Our own errors quote what is behind them as far as it helps. */
function textOf(error: unknown): string {
  return error instanceof DamselflyError ? error.message : errorText(error);
}
