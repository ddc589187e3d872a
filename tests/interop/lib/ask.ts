/** A question that is put to the proxies of both kinds, so that their answers can be compared. */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { requireProgram } from "../../e2e/lib/programs.ts";

export const ASK_PROGRAM = "curl";

const ASK_TIMEOUT_S = 60;

/** What of an answer must be the same. */
export interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  /** Bytes of the body. */
  readonly bytes: number;
  /** Hex SHA-256 of an answer with content; the words of an error are each one's own. */
  readonly sha256: string | undefined;
  /** `X-Dragonfly-Error-Type`: who is to blame. */
  readonly errorType: string | undefined;
  /** Of an answer with content: which part it is. */
  readonly contentRange: string | undefined;
  /** Of an answer with content: whether it names its task. */
  readonly hasTaskId: boolean;
}

/** Asks with curl, which speaks to a proxy in every way that clients do. */
export async function ask(args: readonly string[]): Promise<Answer> {
  const body = await Deno.makeTempFile();
  const quiet = ["--silent", "--max-time", `${ASK_TIMEOUT_S}`, "--output", body, "--dump-header", "-"];
  const { stdout } = await new Deno.Command(requireProgram(ASK_PROGRAM), {
    args: [...quiet, "--write-out", "\nEND %{http_code} %{size_download}", ...args],
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const [, status = "0", bytes = "0"] = /\nEND (\d+) (\d+)$/.exec(text) ?? [];
  const header = (name: string) => new RegExp(`^${name}: *(.*?)\\r?$`, "mi").exec(text)?.[1];
  const hasContent = status.startsWith("2");
  const sha256 = hasContent && bytes !== "0"
    ? createHash("sha256").update(await readFile(body)).digest("hex")
    : undefined;
  await rm(body);
  return {
    status: Number(status),
    bytes: Number(bytes),
    sha256,
    errorType: header("x-dragonfly-error-type"),
    contentRange: hasContent ? header("content-range") : undefined,
    hasTaskId: hasContent && header("x-dragonfly-task-id") !== undefined,
  };
}
