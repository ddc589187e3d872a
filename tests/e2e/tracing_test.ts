/** Traces of real processes, in a collector that is not ours. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import { startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { reserveAddresses } from "./lib/addresses.ts";
import { type Place, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { type Jaeger, JAEGER_NEEDS, type JaegerTrace, startJaeger } from "./lib/jaeger.ts";
import { e2eTest } from "./lib/programs.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const REPOSITORY = "team/app";
const LAYER_BYTES = 4 * 1024 * 1024;
const SETTLE_TIMEOUT_MS = 60_000;

/** `service operation` of a trace's spans. */
function stepsOf({ spans, processes }: JaegerTrace): string[] {
  return spans.map(({ processID, operationName }) => `${processes[processID]?.serviceName} ${operationName}`);
}

function idsOf({ spans }: JaegerTrace): Set<string> {
  return new Set(spans.map(({ spanID }) => spanID));
}

/** The trace of a request to a peer, once all who worked for it have told of it. */
async function traceOf(jaeger: Jaeger, service: string, url: string, steps: readonly string[]): Promise<JaegerTrace> {
  return await waitFor(`a trace of ${url}`, SETTLE_TIMEOUT_MS, async (signal) => {
    const [trace] = await jaeger.find(service, ["http.url", url], signal);
    if (trace === undefined) return undefined;
    const [found, ids] = [stepsOf(trace), idsOf(trace)];
    const isWhole = trace.spans.every(({ references }) => references.every(({ spanID }) => ids.has(spanID)));
    return isWhole && steps.every((step) => found.includes(step)) ? trace : undefined;
  });
}

e2eTest(
  "a pull by two nodes is one trace in Jaeger, which gets it over gRPC and over HTTP, and is found by its http.url",
  JAEGER_NEEDS,
  async () => {
    await using workspace = await Workspace.create();
    await using addresses = await reserveAddresses();
    await using jaeger = await startJaeger(addresses.ip(9), workspace.dir);
    const image = await makeSampleImage({ layerBytes: [LAYER_BYTES] });
    const images = [{ repository: REPOSITORY, tag: "v1", image }];
    await using registry = startSampleRegistry({ clock: realClock(), images });
    const place = (name: string, host: number): Place => {
      return { name, ip: addresses.ip(host), dir: join(workspace.dir, name) };
    };
    const tracing = (protocol: "grpc" | "http", name: string) => {
      return { tracing: { protocol, endpoint: jaeger[protocol], "service-name": name } };
    };
    await using manager = await startManager(place("manager", 1));
    const settings = tracing("http", "scheduler");
    await using scheduler = await startScheduler(place("scheduler", 2), manager.grpcUrl, 1, undefined, settings);
    const upstreams = [{ namespace: registry.namespace, addr: registry.url }];
    const options = { managerUrl: manager.grpcUrl, upstreams };
    await using seed = await startPeer(place("seed", 3), { ...options, isSeed: true, ...tracing("http", "seed") });
    await using node = await startPeer(place("node", 4), { ...options, ...tracing("grpc", "node") });
    await waitFor("both peers to be known", SETTLE_TIMEOUT_MS, async () => {
      const ids = await scheduler.hostIds();
      return [seed, node].every(({ hostId }) => ids.includes(hostId)) || undefined;
    });

    const digest = image.layers[0]?.digest;
    const url = `/v2/${REPOSITORY}/blobs/${digest}?ns=${registry.namespace}`;
    const answer = await fetch(`${node.mirrorUrl}${url}`);
    assert.equal((await answer.bytes()).length, image.layers[0]?.size);

    const trace = await traceOf(jaeger, "node", url, [
      ...["node HTTP GET", "node download_task", "node scheduler.v2.Scheduler/AnnouncePeer"],
      ...["scheduler scheduler.v2.Scheduler/AnnouncePeer", "scheduler dfdaemon.v2.DfdaemonUpload/DownloadTask"],
      ...["seed dfdaemon.v2.DfdaemonUpload/DownloadTask", "seed download_task", "seed HTTP GET"],
    ]);
    const roots = trace.spans.filter(({ references }) => references.length === 0);
    assert.deepEqual(roots.map(({ operationName }) => operationName), ["HTTP GET"]);
    const download = trace.spans.find((_, index) => stepsOf(trace)[index] === "node download_task");
    const tags = new Map(download?.tags.map(({ key, value }) => [key, value]));
    assert.equal(tags.get("task_id"), digest?.replace("sha256:", ""));
    assert.equal(tags.get("host_id"), node.hostId);
    assert.equal(download?.logs.length, Number(tags.get("piece_count")), "an event for each piece");
  },
);
