import { formatHostPort } from "../config/addresses.ts";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import type { DfinitConfig } from "../config/dfinit.ts";
import { parseConfig } from "../config/load.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import type { HostIdentity } from "../core/host_id.ts";
import { HostFiles } from "../../dfinit/host_files.ts";
import { type ImageReference, parseImageReference } from "../oci/image_reference.ts";
import { hostIdentity } from "../peer/peer_config.ts";
import { openPeerTls, type PeerTls } from "../peer/peer_tls.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { EXIT as COMMON_EXIT } from "../runtime/main.ts";
import { parseMetrics, sumOf } from "../runtime/metrics_text.ts";
import { localIpOf } from "../runtime/net.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { ask, type DoctorRuntime } from "./ask.ts";
import { judgeCanary, judgeImageName, pullCanary } from "./canary.ts";
import { clocksOf, judgeClock, readManagerClock } from "./clock.ts";
import { lookAtControlPlane } from "./control_plane.ts";
import { judgeCounters } from "./counters.ts";
import { basicAuthorization, type DaemonFacts, lookAtDaemon } from "./daemon.ts";
import { doctorCommand, type DoctorFlags } from "./doctor_command.ts";
import { found, type Outcome, worst } from "./finding.ts";
import { judgeControlPlane } from "./judge_control_plane.ts";
import { isRunning, judgeAnnounced, judgeDaemon } from "./judge_daemon.ts";
import { judgeRegistries } from "./judge_registries.ts";
import { judgeRuntimes } from "./judge_runtimes.ts";
import { hostIn, judgeNodeConfig, type NodeConfig, readNodeConfig } from "./node_config.ts";
import { lookAtRegistries, registriesOf, type RegistryPlace } from "./registries.ts";
import { reportJson, reportText } from "./report.ts";
import { lookAtRuntimes, runtimesFound } from "./runtimes.ts";
import { judgeStorage, lookAtStorage } from "./storage.ts";
import { Warnings } from "./warnings.ts";
import { bareHost } from "../http/url_place.ts";

/** How the doctor ends. */
export const EXIT = { ...COMMON_EXIT, warnings: 3 } as const;

/** What the doctor needs of the world. */
export interface DoctorEffects {
  readonly runtime: Omit<DoctorRuntime, "log">;
  readonly terminal: Pick<Terminal, "print" | "printError" | "columns">;
  /** The architecture of this machine in the words of images, such as `amd64`. */
  readonly architecture: string;
}

/** Runs the doctor with the arguments of the command line and returns the exit code. */
export async function runDoctor(
  args: readonly string[],
  { runtime, terminal, architecture }: DoctorEffects,
  signal: AbortSignal,
): Promise<number> {
  const program = withCommonOptions(doctorCommand(), terminal);
  const ended = parseArguments(program, args);
  if (ended !== undefined) return ended;
  const flags = program.opts<DoctorFlags>();
  const outcomes = await examine({ flags, architecture }, runtime, signal);
  const isColoured = terminal.columns !== undefined && runtime.env("NO_COLOR") === undefined;
  terminal.print(flags.json === true ? reportJson(outcomes) : reportText(outcomes, { isColoured }));
  const level = worst(outcomes);
  return level === "fail" ? EXIT.failed : level === "warn" ? EXIT.warnings : EXIT.done;
}

/** What is examined. */
interface Examination {
  readonly flags: DoctorFlags;
  readonly architecture: string;
}

async function examine(
  examination: Examination,
  runtime: DoctorEffects["runtime"],
  signal: AbortSignal,
): Promise<Outcome[]> {
  const { flags } = examination;
  const log = new Warnings();
  const node = await readNodeConfig(flags, runtime);
  const { image, problems } = imageOf(flags.image);
  const looked = { ...examination, node, image };
  const outcomes = [
    ...judgeNodeConfig(node),
    ...await examineRuntimes(looked, runtime),
    ...await examineDaemon(looked, { ...runtime, log }, signal),
    ...problems,
  ];
  const mend = "the warning says what to do; dfdaemon logs it too";
  return [...outcomes, ...log.all.map((warning) => found("doctor.config.warned", "dfdaemon", warning, mend))];
}

function imageOf(text: string | undefined): { image: ImageReference | undefined; problems: Outcome[] } {
  try {
    return { image: text === undefined ? undefined : parseImageReference(text), problems: [] };
  } catch (error) {
    return { image: undefined, problems: judgeImageName(text ?? "", error) };
  }
}

/** What is examined, and what is known of it so far. */
interface Looked extends Examination {
  readonly node: NodeConfig;
  readonly image: ImageReference | undefined;
}

/** Registries that somebody named, as image names write them. */
function namedRegistries({ node: { dfdaemon, dfinit }, image }: Looked): Set<string> {
  const { containerd, crio, podman } = dfinit.config?.containerRuntime ?? {};
  return new Set([
    ...(dfdaemon.config?.proxy.registryMirror.upstreams ?? []).map(({ namespace }) => namespace),
    ...(containerd?.registries ?? []).map(({ hostNamespace }) => hostNamespace),
    ...[crio, podman].flatMap((runtime) => runtime?.registries ?? []).map(({ location }) => hostIn(location)),
    ...(image === undefined ? [] : [image.namespace]),
  ]);
}

/** The mirror as the runtimes are to ask it. */
function mirrorUrlOf({ dfdaemon, dfinit }: NodeConfig): string {
  const listen = dfdaemon.config?.proxy.server;
  if (listen === undefined || dfinit.isThere) return dfinit.config?.proxy.addr ?? "http://127.0.0.1:4001";
  return `http://${formatHostPort({ hostname: localIpOf(listen.ip), port: listen.port })}`;
}

async function examineRuntimes(looked: Looked, { disk }: DoctorEffects["runtime"]): Promise<Outcome[]> {
  const { node: { dfdaemon, dfinit }, flags } = looked;
  if (dfinit.problem !== undefined) return [];
  const files = new HostFiles(disk, flags.root);
  const listen = dfdaemon.config?.proxy.server;
  const isTold = dfinit.isThere && dfinit.config?.containerRuntime !== undefined;
  const config: DfinitConfig | undefined = isTold
    ? dfinit.config
    : await runtimesFound(mirrorUrlOf(looked.node), files);
  if (config === undefined) return [];
  const named = namedRegistries(looked);
  const registries = named.size > 0 ? [...named] : ["docker.io"];
  const runtimes = await lookAtRuntimes(config, registries, files);
  return judgeRuntimes(runtimes, {
    mirror: listen,
    named,
    dfinitPath: isTold ? dfinit.path : undefined,
    root: flags.root,
  });
}

/** Everything that needs a configuration of dfdaemon that can be used. */
async function examineDaemon(looked: Looked, runtime: DoctorRuntime, signal: AbortSignal): Promise<Outcome[]> {
  const { node: { dfdaemon: { config, path } } } = looked;
  if (config === undefined) return [];
  await using stack = new AsyncDisposableStack();
  let identity: HostIdentity;
  let tls: PeerTls;
  try {
    identity = hostIdentity(config, runtime);
  } catch (error) {
    return [found("doctor.config.address", path, errorText(error), "set host.ip of dfdaemon.yaml")];
  }
  try {
    tls = await openPeerTls(config, runtime, stack);
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error;
    const mend = "correct caCert, cert and key where this file is named: dfdaemon does not start with it";
    return [found("doctor.config.tls", path, error.message, mend)];
  }
  return await examineRunning({ ...looked, config, identity, tls }, runtime, signal);
}

/** With what dfdaemon runs. */
interface Running extends Looked {
  readonly config: DfdaemonConfig;
  readonly identity: HostIdentity;
  readonly tls: PeerTls;
}

async function examineRunning(running: Running, runtime: DoctorRuntime, signal: AbortSignal): Promise<Outcome[]> {
  const { config, identity, tls, node, flags } = running;
  const mirrorUrl = mirrorUrlOf(node);
  const defaultAddr = parseConfig(DfdaemonConfig, "", "").config.proxy.registryMirror.addr;
  const places = registriesOf(config, defaultAddr, [...namedRegistries(running)]);
  const controlTls = { manager: tls.managerTls, scheduler: tls.schedulerTls, peers: tls.parents };
  const [daemon, storage, registries, plane, managerClock] = await Promise.all([
    lookAtDaemon({ config, ip: identity.ip, mirrorUrl, tls: tls.parents }, runtime, signal),
    lookAtStorage(config, runtime),
    lookAtRegistries(places, config, runtime, signal),
    lookAtControlPlane({ config, identity, tls: controlTls, dynconfig: flags.dynconfig }, runtime, signal),
    readManagerClock(config.manager.addr, runtime, signal),
  ]);
  const others = plane.schedulers.map(({ address }) => hostOf(address));
  return [
    ...judgeDaemon(daemon),
    ...judgeAnnounced(identity.ip, others),
    ...(storage.write === "not tried" && !isRunning(daemon) ? [] : judgeStorage(storage)),
    ...judgeRegistries(registries),
    ...judgeClock({ registries: clocksOf(registries), manager: managerClock }),
    ...judgeControlPlane(plane),
    ...("text" in daemon.metrics.answer ? judgeCounters(parseMetrics(daemon.metrics.answer.text)) : []),
    ...await examineByPull({ ...running, places, daemon }, runtime, signal),
  ];
}

function hostOf(address: string): string {
  return bareHost(new URL(`grpc://${address}`));
}

async function examineByPull(
  { config, image, flags, architecture, places, daemon }: Running & {
    readonly places: readonly RegistryPlace[];
    readonly daemon: DaemonFacts;
  },
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const place = places.find(({ namespace }) => namespace === image?.namespace);
  if (image === undefined || place === undefined) return [];
  const traffic = async () => {
    const answer = await ask(daemon.metrics.url, {}, runtime, signal);
    if (!("text" in answer)) return undefined;
    const samples = parseMetrics(answer.text);
    const bytes = (type: string) => sumOf(samples, "dragonfly_client_download_traffic", { type });
    return { parents: bytes("REMOTE_PEER"), source: bytes("BACK_TO_SOURCE") };
  };
  const facts = await pullCanary(
    {
      ...{ config, image, text: flags.image ?? "", registry: place.url, traffic },
      mirror: `http://${daemon.mirror.address}`,
      mirrorHeaders: basicAuthorization(config.proxy.server.basicAuth),
      platform: { os: "linux", architecture },
    },
    runtime,
    signal,
  );
  return judgeCanary(facts);
}
