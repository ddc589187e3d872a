/** A pull on a node, by a process in its namespace; see `puller.ts`. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Descriptor } from "../../../src/oci/image_pull_manifest.ts";
import { inNetns } from "../../e2e/lib/netns.ts";
import type { PullRoute } from "../../interop/lib/pull.ts";

const PULLER = new URL("./puller.ts", import.meta.url).pathname;

/** What to pull, and how. */
export interface PullOrder {
  readonly image: {
    readonly name: string;
    readonly index: Descriptor;
    /** Of the config of one platform. */
    readonly configBytes: number;
  };
  readonly route: PullRoute;
  readonly timeoutMs: number;
}

/** How long a pull and its first byte of a layer took, from its beginning; or why it failed. */
export type PullOutcome = { readonly firstByteMs: number; readonly ms: number } | { readonly failure: string };

/** A pull that is about to begin. */
export interface NodePull extends AsyncDisposable {
  /** Begins it; resolves at its end, whatever that is. */
  begin(): Promise<PullOutcome>;
}

/** Starts the process; resolves when it waits for {@link NodePull.begin}. */
export async function prepareNodePull(netns: string, order: PullOrder): Promise<NodePull> {
  const [command, args] = inNetns(netns, Deno.execPath(), ["run", "-q", "-A", PULLER, JSON.stringify(order)]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`Cannot pull on ${netns}: its puller ended`);
    return JSON.parse(value);
  };
  const pull: NodePull = {
    async begin() {
      child.stdin.end("\n");
      return await next() as PullOutcome;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
  await next();
  return pull;
}
