/** The bench: a network, a registry, and for each contender a cluster and its bursts. */
import { join, resolve } from "node:path";
import { makeNoiseImage } from "../../../src/oci/sample_image.ts";
import type { NetNode } from "../../e2e/lib/bridge.ts";
import { type Launch, REPOSITORY } from "../../e2e/lib/components.ts";
import type { RunningProcess } from "../../e2e/lib/process.ts";
import { pushSample } from "../../e2e/lib/push_sample.ts";
import { type Registry, startRegistry } from "../../e2e/lib/registry.ts";
import { Workspace } from "../../e2e/lib/workspace.ts";
import { Images, type PushedImage } from "../../interop/lib/images.ts";
import { PROBE_LAYER_BYTES, seedUsed } from "../../interop/lib/seed_used.ts";
import { BIN_DIR_VARIABLE, StockPrograms } from "../../interop/lib/stock_programs.ts";
import type { Burst } from "./bound.ts";
import { SwarmCluster } from "./cluster.ts";
import { type Figures, figuresOf, medianOf } from "./figures.ts";
import { type BurstOutcome, runBurst } from "./measure.ts";
import { Network } from "./network.ts";
import { prepareNodePull, type PullOrder } from "./node_pull.ts";
import type { Contender, SwarmOptions } from "./options.ts";
import { OriginWitness } from "./origin.ts";

const BITS = 8;
const MEGA = 1e6;
/** A pull is given up after so many times what a registry alone would take for all nodes, and this. */
const PATIENCE = 2;
const PATIENCE_MS = 120_000;

/** All that was measured. */
export interface BenchOutcome {
  /** Of each contender, the medians of its rounds. */
  readonly figures: readonly Figures[];
  /** The last round of each. */
  readonly last: ReadonlyMap<Contender, BurstOutcome>;
}

/** The stage that contenders share. */
interface Stage {
  readonly options: SwarmOptions;
  readonly workspace: Workspace;
  readonly network: Network;
  readonly registry: Registry;
  readonly registryNode: NetNode;
  readonly seeds: readonly NetNode[];
  readonly peers: readonly NetNode[];
  readonly managerIp: string;
  readonly schedulerIp: string;
  readonly say: (text: string) => void;
}

/** Runs it; `say` tells how far it is. Whoever wants it no longer ends the process: its namespaces end with it. */
export async function runBench(options: SwarmOptions, say: (text: string) => void): Promise<BenchOutcome> {
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await Workspace.create());
  const network = await Network.open();
  const [managerIp, schedulerIp] = [await network.address(), await network.address()];
  const registryNode = await network.addNode("registry");
  const seeds = await addNodes(network, "seed", options.seeds);
  const peers = await addNodes(network, "peer", options.nodes);
  await network.count();
  const registry = stack.use(await startRegistry({ ...registryNode, dir: workspace.dir }));
  const stage = {
    ...{ options, workspace, network, registry, registryNode, seeds, peers, managerIp, schedulerIp, say },
  };
  const figures: Figures[] = [];
  const last = new Map<Contender, BurstOutcome>();
  for (const contender of options.contenders) {
    try {
      const { rounds, outcome } = await runContender(stage, contender);
      figures.push(medianOf(rounds));
      last.set(contender, outcome);
    } catch (error) {
      await workspace.keep();
      throw error;
    }
  }
  return { figures, last };
}

async function addNodes(network: Network, role: string, count: number): Promise<NetNode[]> {
  const nodes: NetNode[] = [];
  for (let number = 1; number <= count; number++) nodes.push(await network.addNode(`${role}-${number}`));
  return nodes;
}

async function runContender(stage: Stage, contender: Contender) {
  const { options, say } = stage;
  await using cluster = contender === "direct" ? undefined : await startCluster(stage, contender);
  if (cluster !== undefined) {
    say(`${contender}: warming up`);
    await warmUp(stage, cluster);
  }
  const rounds: Figures[] = [];
  let outcome: BurstOutcome;
  do {
    say(`${contender}: round ${rounds.length + 1} of ${options.rounds}`);
    const name = `${contender}-${rounds.length}`;
    const [figures, all] = await runRound(stage, contender, cluster, name);
    rounds.push(figures);
    outcome = all;
  } while (rounds.length < options.rounds);
  return { rounds, outcome };
}

async function startCluster(stage: Stage, kind: "ours" | "stock"): Promise<SwarmCluster> {
  const { workspace, options, registry, seeds, peers, managerIp, schedulerIp } = stage;
  const dir = join(workspace.dir, kind);
  const stock = new StockPrograms(resolve(Deno.env.get(BIN_DIR_VARIABLE) ?? "."), join(workspace.dir, "stock"));
  const starter = { stock, launch: directlyFrom(resolve(options.checkout ?? REPOSITORY)) };
  stage.say(`${kind}: starting`);
  return await SwarmCluster.start(starter, { kind, dir, managerIp, schedulerIp, seeds, peers, registry });
}

/** A component without `deno task` before it, which would have memory too. */
function directlyFrom(checkout: string): Launch {
  return (component, configFile) => ({
    command: Deno.execPath(),
    args: ["run", "-q", "--no-prompt", `-P=${component}`, `src/cmd/${component}.ts`, "--config", configFile],
    cwd: checkout,
  });
}

/** Everybody pulls something small: until each seed has been used, and then all once more. */
async function warmUp(stage: Stage, cluster: SwarmCluster): Promise<void> {
  const { registry, peers } = stage;
  const images = new Images(registry, registry.namespace, () => Promise.resolve(""));
  const pullBy = async (nodes: readonly NetNode[]) => {
    const image = await images.fresh(PROBE_LAYER_BYTES);
    for (const outcome of await Promise.all(nodes.map((node) => pullOn(node, orderFor(stage, "ours", image, node))))) {
      if ("failure" in outcome) throw new Error(`Cannot warm up: ${outcome.failure}`);
    }
  };
  for (const [name, seed] of cluster.seeds) await seedUsed(name, seed, () => pullBy(peers.slice(0, 1)));
  await pullBy(peers);
}

async function pullOn(node: NetNode, order: PullOrder) {
  await using pull = await prepareNodePull(node.netns, order);
  return await pull.begin();
}

async function runRound(
  stage: Stage,
  contender: Contender,
  cluster: SwarmCluster | undefined,
  name: string,
): Promise<[Figures, BurstOutcome]> {
  const { options, network, registry, seeds, peers } = stage;
  const image = await pushNoise(registry, name, options.layerBytes);
  const isWarm = cluster !== undefined && options.isWarm;
  if (isWarm) { for (const seed of seeds) await pullOn(seed, orderFor(stage, contender, image, seed)); }
  const origin = new OriginWitness(registry, image);
  await shapeAll(stage);
  const outcome = await runBurst({
    ...{ network, nodes: peers, counted: [...seeds, ...peers], staggerSeconds: options.staggerSeconds },
    orderFor: (node) => orderFor(stage, contender, image, node),
    processes: cluster?.processes() ?? new Map<string, RunningProcess>(),
    kills: cluster === undefined ? [] : options.kills,
  });
  for (const node of [...seeds, ...peers, stage.registryNode]) await network.unshape(node);
  for (const [node, pull] of outcome.pulls) if ("failure" in pull) stage.say(`${node} failed: ${pull.failure}`);
  const killed = new Set(options.kills.map((kill) => kill.name));
  return [figuresOf(contender, burstOf(options, isWarm), outcome, await origin.count(), killed), outcome];
}

async function shapeAll({ network, options, registryNode, seeds, peers }: Stage): Promise<void> {
  const { upMbit, downMbit, registryMbit } = options;
  for (const node of [...seeds, ...peers]) await network.shape(node, { upMbit, downMbit });
  await network.shape(registryNode, { upMbit: registryMbit, downMbit: registryMbit });
}

function orderFor(
  { registry, options }: Stage,
  contender: Contender,
  image: PushedImage & { configBytes?: number },
  node: NetNode,
): PullOrder {
  const mirrorUrl = contender === "direct" ? registry.url : `http://${node.ip}:4001`;
  const all = options.nodes * sum(options.layerBytes) * BITS / (options.registryMbit * MEGA);
  return {
    image: { name: image.name, index: image.index, configBytes: image.configBytes ?? 0 },
    route: { mirrorUrl, registryUrl: registry.url },
    timeoutMs: PATIENCE_MS + PATIENCE * all * 1_000,
  };
}

function burstOf(options: SwarmOptions, isWarm: boolean): Burst {
  const bytesPerSecond = (mbit: number) => mbit * MEGA / BITS;
  const { nodes, seeds, staggerSeconds, layerBytes, downMbit, upMbit, registryMbit } = options;
  return {
    ...{ nodes, seeds, isWarm, staggerSeconds, bytes: sum(layerBytes) },
    ...{ down: bytesPerSecond(downMbit), up: bytesPerSecond(upMbit), registryUp: bytesPerSecond(registryMbit) },
  };
}

async function pushNoise(registry: Registry, name: string, layerBytes: readonly number[]) {
  const repository = `swarm/${name}`;
  const image = makeNoiseImage(layerBytes, `${registry.namespace}/${name}`);
  await pushSample(image, `${registry.url}/v2/${repository}`, "v1");
  const { index, layers, blobs } = image;
  const configBytes = blobs[0]?.size ?? 0;
  const small = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  return { name: `${registry.namespace}/${repository}:v1`, repository, index, layers: small, configBytes };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
