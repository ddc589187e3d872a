/** The thread of {@link makeImageAside}: makes one image, as its options say. */
import { parentPort, workerData } from "node:worker_threads";
import { makeSampleImage, type SampleImageOptions } from "../../../src/oci/sample_image.ts";

parentPort?.postMessage(await makeSampleImage(workerData as SampleImageOptions));
