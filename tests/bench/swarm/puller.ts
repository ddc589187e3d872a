/**
 * A container runtime of a node: says that it is there, waits for a line, pulls one image, and says how that went, each
 * as a line of JSON.
 *
 *     deno run -A puller.ts '{"image":…,"route":…}'
 */
import { realClock } from "../../../src/runtime/clock.ts";
import { errorText } from "../../../src/core/error.ts";
import { pullByMirror } from "../../interop/lib/pull.ts";
import type { PullOrder, PullOutcome } from "./node_pull.ts";

async function pull({ image, route, timeoutMs }: PullOrder): Promise<PullOutcome> {
  const clock = realClock();
  const startedAt = clock.now();
  let firstByteMs: number | undefined;
  const onBytes = (done: number) => {
    // A config is no layer, and comes first.
    if (done > image.configBytes) firstByteMs ??= clock.now() - startedAt;
  };
  try {
    await pullByMirror(image, route, { onBytes, timeoutMs });
    const ms = clock.now() - startedAt;
    return { firstByteMs: firstByteMs ?? ms, ms };
  } catch (error) {
    return { failure: errorText(error) };
  }
}

const order = JSON.parse(Deno.args[0] ?? "") as PullOrder;
console.log(JSON.stringify("ready"));
await Deno.stdin.read(new Uint8Array(1));
console.log(JSON.stringify(await pull(order)));
Deno.exit();
