/** Stock peers that a stock scheduler sent to the source though others had the content: its log is the only proof. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PushedImage } from "./images.ts";

const GIVEN_UP = "because of scheduling exceeded RetryBackToSourceLimit";

/**
 * Lines of a stock scheduler's log, which is below its folder, by which it gave up looking for parents for one of these
 * hosts, for a layer of the image.
 */
export async function withoutParents(
  schedulerDir: string,
  { layers }: PushedImage,
  hostIds: readonly string[],
): Promise<string[]> {
  const log = await readFile(join(schedulerDir, "log", "scheduler", "core.log"), "utf8");
  const hosts = hostIds.map((id) => `"hostID":${JSON.stringify(id)}`);
  const tasks = layers.map(({ digest }) => `"taskID":"${digest.slice(digest.indexOf(":") + 1)}"`);
  return log.split("\n").filter((line) =>
    line.includes(GIVEN_UP) && [hosts, tasks].every((known) => known.some((text) => line.includes(text)))
  );
}
