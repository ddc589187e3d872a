import { Command } from "commander";
import { parseDocument } from "yaml";
import * as z from "zod";
import { DamselflyError, errorText } from "../../core/error.ts";
import { readAs } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { KubernetesApi } from "./kubernetes_api.ts";
import { noun, timeoutOption } from "./leaf.ts";

const SERVER = "https://kubernetes.default.svc";
const POLL_INTERVAL_MS = 1_000;
const WAIT_DEFAULT_MS = 5 * 60_000;
/** A peer starts without knowing its place rather than late. */
const PLACE_TIMEOUT_MS = 15_000;
const REGION = "topology.kubernetes.io/region";
const ZONE = "topology.kubernetes.io/zone";

const Node = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

const DaemonSet = z.object({
  metadata: z.object({ generation: z.int() }),
  status: z.object({
    observedGeneration: z.int().default(0),
    desiredNumberScheduled: z.int().default(0),
    numberReady: z.int().default(0),
  }),
});

/** `kubernetes`: what pods of the Helm chart ask of the cluster that they run in. */
export function kubernetesCommand(choose: Choose): Command {
  return noun("kubernetes", "What pods of the Helm chart ask of their cluster.", [
    withServer("place", "Writes dfdaemon.yaml with the region and zone of a node, where it names no place itself.")
      .requiredOption("--node <name>", "the node")
      .requiredOption("--config <file>", "dfdaemon.yaml as it is")
      .requiredOption("--output <file>", "where it goes")
      .action((flags: PlaceFlags) => choose((context) => writePlace(context, flags))),
    withServer("wait", "Waits until a DaemonSet has a ready pod on each of its nodes.")
      .argument("<daemonset>", "its name")
      .requiredOption("--namespace <name>", "its namespace")
      .addOption(timeoutOption("longest wait", WAIT_DEFAULT_MS, "5m"))
      .action((name: string, flags: WaitFlags) => choose((context) => waitForNodes(context, name, flags))),
  ]);
}

interface ServerFlags {
  readonly server: string;
}

interface PlaceFlags extends ServerFlags {
  readonly node: string;
  readonly config: string;
  readonly output: string;
}

interface WaitFlags extends ServerFlags {
  readonly namespace: string;
  readonly timeout: number;
}

function withServer(name: string, description: string): Command {
  return new Command(name).description(description).option("--server <url>", "the API server", SERVER);
}

/** A pull must not wait for the API server: without an answer the file stays as it is, and that is said. */
async function writePlace({ runtime, terminal, signal }: Context, flags: PlaceFlags): Promise<void> {
  const text = await runtime.disk.readText(flags.config);
  let placed = text;
  try {
    using limit = runtime.clock.deadline(PLACE_TIMEOUT_MS);
    using api = await KubernetesApi.open(runtime, flags.server);
    const path = `/api/v1/nodes/${encodeURIComponent(flags.node)}`;
    const { metadata } = readAs(Node, await api.get(path, AbortSignal.any([signal, limit.signal])));
    placed = withPlace(text, metadata.labels);
    terminal.print(
      placed === text ? `Node ${flags.node} has no labels of a place\n` : `Node ${flags.node} has a place\n`,
    );
  } catch (error) {
    signal.throwIfAborted();
    terminal.printError(`warning: the place of node ${flags.node} is unknown: ${errorText(error)}\n`);
  }
  await runtime.disk.writeTextAtomic(flags.output, placed);
}

/**
 * dfdaemon.yaml with `host.idc` and `host.location` of a node's labels, where it has none of its own: the zone is the
 * data centre, as peers in one are close, and the location is region and zone.
 */
export function withPlace(text: string, labels: Readonly<Record<string, string>>): string {
  const region = labels[REGION] ?? "";
  const zone = labels[ZONE] ?? "";
  const document = parseDocument(text);
  const set = (key: string, value: string) => {
    const isWritten = (document.getIn(["host", key]) ?? "") !== "";
    if (value !== "" && !isWritten) document.setIn(["host", key], value);
    return value !== "" && !isWritten;
  };
  const changes = [set("idc", zone), set("location", [region, zone].filter((part) => part !== "").join("|"))];
  return changes.includes(true) ? document.toString({ lineWidth: 0 }) : text;
}

async function waitForNodes({ runtime, terminal, signal }: Context, name: string, flags: WaitFlags): Promise<void> {
  using api = await KubernetesApi.open(runtime, flags.server);
  using limit = runtime.clock.deadline(flags.timeout);
  const until = AbortSignal.any([signal, limit.signal]);
  const path = `/apis/apps/v1/namespaces/${encodeURIComponent(flags.namespace)}/daemonsets/${encodeURIComponent(name)}`;
  let last = "nothing was heard of it";
  try {
    while (true) {
      const { metadata, status } = readAs(DaemonSet, await api.get(path, until));
      const wanted = status.desiredNumberScheduled;
      last = `${status.numberReady} of ${wanted} nodes are ready`;
      if (status.observedGeneration >= metadata.generation && status.numberReady >= wanted) break;
      await runtime.clock.sleep(POLL_INTERVAL_MS, until);
    }
  } catch (cause) {
    if (signal.aborted || !limit.signal.aborted) throw cause;
    throw new DamselflyError("timeout", `DaemonSet ${name}: ${last} after ${flags.timeout / 1000} s`, { cause });
  }
  terminal.print(`DaemonSet ${name}: ${last}\n`);
}
