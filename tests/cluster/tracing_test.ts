/** Traces of pulls, as a collector gets them from all members of a cluster. */
import assert from "node:assert/strict";
import { formatBytes } from "../../src/core/for_people.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import type { Tracer } from "../../src/runtime/tracing.ts";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "../../src/testing/otlp_receiver.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { openTracing, type TracingOptions } from "../../src/tracing/open_tracing.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { layer, READY_TIMEOUT_MS, REPOSITORY, Stage } from "./stage.ts";

/** Tracers of the members of a cluster, which send to one collector. */
function tracers(collector: OtlpReceiver, stack: AsyncDisposableStack, options: Partial<TracingOptions> = {}) {
  return (serviceName: string): Tracer => {
    const runtime = testRuntime({ clock: realClock(), random: realRandom() });
    const address = { protocol: "grpc", endpoint: collector.grpc, path: "/v1/traces", headers: {} } as const;
    return stack.use(openTracing({ ...address, sampleRatio: 1, serviceName, ...options }, runtime));
  };
}

/** The spans of a trace once all members have told of it, each with its parent. */
async function traceOf(collector: OtlpReceiver, isRoot: (span: ReceivedSpan) => boolean, names: readonly string[]) {
  return await waitFor(`a trace with ${names.join(", ")}`, READY_TIMEOUT_MS, () => {
    const root = collector.spans.find(isRoot);
    const spans = collector.spans.filter(({ traceId }) => traceId === root?.traceId);
    const isThere = (name: string) => spans.some((span) => `${span.service} ${span.name}` === name);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const isWhole = spans.every((span) => span === root || ids.has(span.parentSpanId));
    return root !== undefined && isWhole && names.every(isThere) ? { root, spans } : undefined;
  });
}

Deno.test("a pull is one trace across runtime, peers, scheduler, seed peer and registry, found by its http.url", async () => {
  await using stack = new AsyncDisposableStack();
  const collector = stack.use(await startOtlpReceiver());
  const stage = stack.use(await Stage.open({ tracerOf: tracers(collector, stack) }));
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await (await stage.node("peer-1").blob({ traceparent })).arrayBuffer();

  const path = `/v2/${REPOSITORY}/blobs/${layer.digest}`;
  const isAsked = ({ attributes }: ReceivedSpan) => String(attributes["http.url"]).startsWith(`${path}?ns=`);
  const { root, spans } = await traceOf(collector, isAsked, [
    ...["peer-1 HTTP GET", "peer-1 download_task", "peer-1 HTTP HEAD", "peer-1 scheduler.v2.Scheduler/AnnouncePeer"],
    ...["scheduler scheduler.v2.Scheduler/AnnouncePeer", "scheduler dfdaemon.v2.DfdaemonUpload/DownloadTask"],
    ...["seed dfdaemon.v2.DfdaemonUpload/DownloadTask", "seed download_task", "seed HTTP GET"],
    ...["seed dfdaemon.v2.DfdaemonUpload/SyncPieces"],
  ]);
  assert.equal(root.traceId, "4bf92f3577b34da6a3ce929d0e0e4736", "the trace of the runtime goes on");
  assert.equal(root.parentSpanId, "00f067aa0ba902b7");

  const download = spans.find(({ service, name }) => service === "peer-1" && name === "download_task");
  assert.equal(download?.attributes["task_id"], layer.digest.slice("sha256:".length));
  assert.equal(download?.attributes["host_id"], stage.node("peer-1").it.hostId);
  const numbers = download?.events.filter(({ name }) => name === "piece").map(({ attributes }) => attributes["number"]);
  const pieces = Array.from({ length: Number(download?.attributes["piece_count"]) }, (_, number) => number);
  assert.deepEqual(numbers?.map(Number).sort((a, b) => a - b), pieces);

  const announced = spans.find(({ service, attributes }) =>
    service === "scheduler" && attributes["peer_id"] === download?.attributes["peer_id"]
  );
  assert.equal(announced?.attributes["task_id"], download?.attributes["task_id"]);
  assert.equal(announced?.events[0]?.attributes["kind"], "from_parents");
  const ofRegistry = stage.registry.requests.map(({ traceparent }) => traceparent);
  assert.ok(ofRegistry.length > 0);
  for (const header of ofRegistry) assert.match(header, new RegExp(`^00-${root.traceId}-[0-9a-f]{16}-01$`));

  await (await stage.node("peer-2").blob()).arrayBuffer();
  const second = await traceOf(collector, (span) => span.service === "peer-2" && isAsked(span), [
    ...["peer-2 HTTP GET", "peer-2 download_task", "scheduler scheduler.v2.Scheduler/AnnouncePeer"],
  ]);
  assert.notEqual(second.root.traceId, root.traceId);
  assert.equal(second.root.attributes["http.status_code"], 200);
});

Deno.test("who traces nothing passes nothing on, and a request that shall not be traced is traced by nobody", async () => {
  await using stack = new AsyncDisposableStack();
  const collector = stack.use(await startOtlpReceiver());
  const tracerOf = tracers(collector, stack);
  const members = ["scheduler", "seed"];
  const stage = stack.use(
    await Stage.open({ tracerOf: (name) => members.includes(name) ? tracerOf(name) : { begin: () => undefined } }),
  );
  await stage.node("peer-1").pull();
  assert.deepEqual(collector.spans, []);
});

Deno.test("a pull is one line for people, which says where its bytes came from", async () => {
  await using stage = await Stage.open();
  const node = stage.node("peer-1");
  for (const from of ["100 % from peers", "100 % from this host"]) {
    await (await node.blob()).arrayBuffer();
    const line = await waitFor("the line", READY_TIMEOUT_MS, () => {
      return node.runtime?.log.lines.find(({ message }) => message.startsWith("Gave") && message.endsWith(from));
    });
    assert.equal(line.level, "info");
    assert.match(
      line.message,
      new RegExp(`^Gave ${formatBytes(layer.size)} of ${REPOSITORY}@${layer.digest} in [0-9.]+ m?s: ${from}$`),
    );
    assert.equal(line.fields["bytes"], layer.size);
  }
});
