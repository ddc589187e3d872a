/** dfget and dfcache of either kind, on the socket of either kind of peer. */
import { mkdir, readFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { REPOSITORY } from "../../e2e/lib/components.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import type { AnyPeer, Kind } from "./components.ts";
import type { Lab } from "./lab.ts";

/** A tool that is not done by then hangs. */
const TOOL_TIMEOUT_MS = 60_000;

/** How a tool ended. */
export interface ToolEnd {
  readonly code: number;
  /** Both streams, without colours and with single blanks. */
  readonly said: string;
}

/** Runs `dfget` or `dfcache` of a kind with these arguments. */
export async function runTool(
  lab: Lab,
  kind: Kind,
  tool: "dfget" | "dfcache",
  args: readonly string[],
): Promise<ToolEnd> {
  using limit = realClock().deadline(TOOL_TIMEOUT_MS);
  const command = kind === "stock" ? await lab.stock.path(tool) : Deno.execPath();
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...(kind === "stock" ? [] : ["task", "--quiet", tool]), ...args],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: limit.signal,
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  // deno-lint-ignore no-control-regex
  return { code, said: text.replaceAll(/\x1b\[[0-9;]*m/g, "").replaceAll(/\s+/g, " ").trim() };
}

/** A file that dfget wrote. */
export interface Downloaded extends ToolEnd {
  /** Hex SHA-256 of the output, or undefined when there is none. */
  readonly sha256: string | undefined;
}

let outputs = 0;

/** Downloads a URL by a peer's socket into a file of its own. */
export async function dfget(
  lab: Lab,
  kind: Kind,
  peer: AnyPeer,
  url: string,
  flags: readonly string[] = [],
): Promise<Downloaded> {
  const output = await freshOutput(lab);
  const end = await runTool(lab, kind, "dfget", ["--no-progress", "-e", peer.socket, "-O", output, ...flags, url]);
  return { ...end, sha256: await sha256Of(output) };
}

/** The path of an output that is not there yet. */
export async function freshOutput(lab: Lab): Promise<string> {
  const folder = join(lab.workspace.dir, "outputs");
  await mkdir(folder, { recursive: true });
  return join(folder, `${++outputs}`);
}

/** Hex SHA-256 of a file, or undefined when it is not there. */
export async function sha256Of(path: string): Promise<string | undefined> {
  try {
    return createHash("sha256").update(await readFile(path)).digest("hex");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
