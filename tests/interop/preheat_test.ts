/** A preheat that a scheduler of ours orders of peers of both kinds, at a registry in TLS that only the order vouches for. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { derOfPem } from "../../src/core/certificates.ts";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import { startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { JobsService } from "../../src/rpc/gen/damselfly/v1/jobs.ts";
import { PreheatImageRequest } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { openTlsFiles } from "../../src/runtime/tls_files.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { MemoryLog } from "../../src/testing/memory_log.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { Cluster } from "./lib/cluster.ts";
import { labTest } from "./lib/lab.ts";

const MIB = 1024 * 1024;
const PREHEAT_TIMEOUT_MS = 60_000;
const ACCOUNT = { username: "ada", password: "lovelace" };

labTest("peers of both kinds preheat an image of a registry that only the order vouches for", async (lab, step) => {
  const clock = realClock();
  const { cert, key, caCert } = testCertificates("a");
  await using tls = await openTlsFiles({ cert, key }, { disk: realDisk(realRandom()), clock, log: new MemoryLog() });
  const image = await makeSampleImage({ layerBytes: [12 * MIB, 20 * MIB], seed: "preheat" });
  await using registry = startSampleRegistry({
    ...{ clock, tls, images: [{ repository: "team/app", tag: "v1", image }] },
    login: { kind: "bearer", random: seededRandom(1), account: ACCOUNT },
  });
  await using cluster = new Cluster(lab, "cluster");
  await cluster.runManager("ours");
  await cluster.runScheduler("ours");
  await cluster.schedulerListed();
  await cluster.runPeer("seed", "stock", { isSeed: true });
  await cluster.runPeer("stock", "stock");
  await cluster.runPeer("ours", "ours");
  await step("each host gets each blob, with a token and an authority of the order", async () => {
    const target = cluster.schedulerTarget;
    using jobs = createRpcClient(JobsService, target, { clock });
    const order = PreheatImageRequest.create({
      ...{ url: `${registry.url}/v2/team/app/manifests/v1`, scope: "all_peers", platform: "linux/amd64", ...ACCOUNT },
      certificateChain: [derOfPem(readFileSync(caCert, "utf8"))],
    });
    const signal = new AbortController().signal;
    const results = await Array.fromAsync(jobs.preheatImage(order, { signal, timeoutMs: PREHEAT_TIMEOUT_MS }));
    assert.deepEqual(results.flatMap(({ error = "" }) => error === "" ? [] : [error]), []);
    assert.equal(results.length, 3 * (1 + image.layers.length));
    assert.equal(new Set(results.map(({ hostId }) => hostId)).size, 3);
  });
});
