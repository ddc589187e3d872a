/** crictl at a pinned version, built by `go install`; not every machine can have it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";
import { findProgram, run } from "./programs.ts";

const CRICTL_VERSION = "v1.32.0";
const PULL_TIMEOUT = "300s";

let building: Promise<string | undefined> | undefined;

/** The path of crictl, built on first use; undefined where Go or the module can't be had. */
export function crictl(): Promise<string | undefined> {
  return building ??= build();
}

/** `crictl pull` of an image by the runtime behind `socket`. */
export async function crictlPull(program: string, socket: string, image: string): Promise<void> {
  const endpoint = `unix://${socket}`;
  const at = ["--runtime-endpoint", endpoint, "--image-endpoint", endpoint, "--timeout", PULL_TIMEOUT];
  await run(program, [...at, "pull", image]);
}

async function build(): Promise<string | undefined> {
  const go = findProgram("go");
  if (go === undefined) return undefined;
  try {
    const folder = await cachedFolder(`crictl-${CRICTL_VERSION}`, async (scratch) => {
      await run(go, ["install", `sigs.k8s.io/cri-tools/cmd/crictl@${CRICTL_VERSION}`], { env: { GOBIN: scratch } });
    });
    const program = join(folder, "crictl");
    return existsSync(program) ? program : undefined;
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
