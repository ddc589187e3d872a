import type { Runtime } from "../../runtime/runtime.ts";
import type { Terminal } from "../../runtime/terminal.ts";
import type { TerminalInput } from "../../runtime/terminal_input.ts";

/** What dfctl needs of the world. */
export interface DfctlEffects {
  readonly runtime: Pick<Runtime, "clock" | "disk" | "random" | "fetch" | "env">;
  readonly terminal: Terminal;
  readonly input: TerminalInput;
}

/** What a command works with. */
export interface Context extends DfctlEffects {
  /** Aborts when the user has had enough. */
  readonly signal: AbortSignal;
}

/** What a command does; it gives the exit code where that is not 0. */
export type Act = (context: Context) => Promise<number | void>;

/** Called with what the command line asks for. */
export type Choose = (act: Act) => void;
