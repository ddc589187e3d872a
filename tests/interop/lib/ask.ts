/** A question that is put to the proxies of both kinds, so that their answers can be compared. */
import { requireProgram, run } from "../../e2e/lib/programs.ts";

export const ASK_PROGRAM = "curl";

const ASK_TIMEOUT_S = 60;

/** What of an answer must be the same. */
export interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  /** Bytes of the body. */
  readonly bytes: number;
  readonly contentRange: string | undefined;
  /** `X-Dragonfly-Error-Type`: who is to blame. */
  readonly errorType: string | undefined;
  /** Whether the answer names its task. */
  readonly hasTaskId: boolean;
}

/** Asks with curl, which speaks to a proxy in every way that clients do. */
export async function ask(args: readonly string[]): Promise<Answer> {
  const quiet = ["--silent", "--max-time", `${ASK_TIMEOUT_S}`, "--output", "/dev/null", "--dump-header", "-"];
  const text = await run(requireProgram(ASK_PROGRAM), [
    ...quiet,
    "--write-out",
    "\nEND %{http_code} %{size_download}",
    ...args,
  ]);
  const [, status = "0", bytes = "0"] = /\nEND (\d+) (\d+)$/.exec(text) ?? [];
  const header = (name: string) => new RegExp(`^${name}: *(.*?)\\r?$`, "mi").exec(text)?.[1];
  return {
    status: Number(status),
    bytes: Number(bytes),
    contentRange: header("content-range"),
    errorType: header("x-dragonfly-error-type"),
    hasTaskId: header("x-dragonfly-task-id") !== undefined,
  };
}
