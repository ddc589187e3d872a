/** crictl: the machine's own, one in the folder that TOOLS_BIN_DIR names, or built at a pinned version. */
import { criPull, type Login } from "./cri.ts";
import { goProgram } from "./go_program.ts";
import { findProgram, run } from "./programs.ts";
import { tool } from "./tools.ts";

const CRICTL_VERSION = "v1.32.0";
const PULL_TIMEOUT = "300s";

let finding: Promise<string | undefined> | undefined;

/** The path of crictl, unpacked or built on first use; undefined where it can't be had. */
export function crictl(): Promise<string | undefined> {
  return finding ??= find();
}

async function find(): Promise<string | undefined> {
  return await tool("crictl") ?? await build();
}

/** Pulls by the runtime behind `socket`: with crictl, or where that can't be had with the CRI call that it makes. */
export async function pullImage(socket: string, image: string, login?: Login): Promise<void> {
  const program = await crictl();
  if (program === undefined) return await criPull(socket, image, login);
  const endpoint = `unix://${socket}`;
  const at = ["--runtime-endpoint", endpoint, "--image-endpoint", endpoint, "--timeout", PULL_TIMEOUT];
  const creds = login === undefined ? [] : ["--creds", `${login.username}:${login.password}`];
  await run(program, [...at, "pull", ...creds, image]);
}

async function build(): Promise<string | undefined> {
  if (findProgram("go") === undefined) return undefined;
  try {
    return await goProgram({ module: "sigs.k8s.io/cri-tools", version: CRICTL_VERSION, main: "cmd/crictl" });
  } catch (error) {
    console.warn(
      `crictl ${CRICTL_VERSION} can't be built here, so CRI's PullImage is called instead: ${lastLine(error)}`,
    );
    return undefined;
  }
}

function lastLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).trimEnd().split("\n").at(-1) ?? "";
}
