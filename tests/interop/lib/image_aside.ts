/** Images that are made in a thread of their own. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SampleImage, SampleImageOptions } from "../../../src/oci/sample_image.ts";

/**
 * Makes an image while the event loop goes on: the way to the registry is on it, and when that stands still for the
 * seconds that archives take on a busy machine, peers and schedulers run out of time.
 */
export async function makeImageAside(options: SampleImageOptions): Promise<SampleImage> {
  const worker = new Worker(new URL("./image_worker.ts", import.meta.url), { workerData: options });
  try {
    const [image] = await once(worker, "message");
    return image;
  } finally {
    await worker.terminate();
  }
}
