import { formatHostPort } from "../config/addresses.ts";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DamselflyError } from "../core/error.ts";
import { checkHealth } from "../rpc/client.ts";
import { isEveryAddress, localIpOf } from "../runtime/net.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { type Answer, ask, type DoctorRuntime, within } from "./ask.ts";

const CONNECT_TIMEOUT_MS = 3_000;
/** Nothing is served there, and the mirror says so without asking a registry. */
const NOTHING_PATH = "/damselfly";

/** Whether something answered, or why not. */
export type Reached = { readonly problem?: string };

/** What is known of the dfdaemon of this host. */
export interface DaemonFacts {
  readonly mirror: { readonly address: string; readonly answer: Answer };
  /** Whether the runtimes are told to speak TLS with it. */
  readonly isAskedInTls: boolean;
  readonly health: { readonly url: string; readonly answer: Answer };
  readonly metrics: { readonly url: string; readonly answer: Answer };
  readonly socket: { readonly path: string; readonly state: "serves" | "is not there" | "is denied" | "is silent" };
  /** What other hosts reach this one by. */
  readonly host: { readonly ip: string; readonly isShared: boolean };
  readonly upload: Reached & { readonly address: string };
  readonly pieces: Reached & { readonly address: string };
}

/** What is asked for, and with what. */
export interface DaemonTarget {
  readonly config: DfdaemonConfig;
  /** The address that this host is announced with. */
  readonly ip: string;
  /** The mirror as dfinit tells it to the runtimes. */
  readonly mirrorUrl: string;
  /** For the gRPC server for peers. */
  readonly tls: TlsFiles | undefined;
}

/** Asks each port of dfdaemon. */
export async function lookAtDaemon(
  { config, ip, mirrorUrl, tls }: DaemonTarget,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<DaemonFacts> {
  const { proxy, health, metrics, upload, storage, download } = config;
  const at = ({ ip: listen, port }: { readonly ip: string; readonly port: number }) =>
    formatHostPort({ hostname: localIpOf(listen), port });
  const ofPeers = (listen: string, port: number) =>
    formatHostPort({ hostname: isEveryAddress(listen) ? ip : listen, port });
  const mirrorAddress = at(proxy.server);
  const healthUrl = `http://${at(health.server)}/healthy`;
  const metricsUrl = `http://${at(metrics.server)}/metrics`;
  const uploadAddress = ofPeers(upload.server.ip, upload.server.port);
  const piecesAt = {
    hostname: isEveryAddress(storage.server.ip) ? ip : storage.server.ip,
    port: storage.server.tcpPort,
  };
  const get = (url: string, headers = {}) => ask(url, headers, runtime, signal);
  const [mirror, healthAnswer, metricsAnswer, socket, uploadReached, piecesReached] = await Promise.all([
    get(`http://${mirrorAddress}${NOTHING_PATH}`, basicAuthorization(proxy.server.basicAuth)),
    get(healthUrl),
    get(metricsUrl),
    lookAtSocket(download.server.socketPath, runtime, signal),
    reached((either) => askHealth(uploadAddress, tls, runtime, either), runtime, signal),
    reached(async (either) => (await runtime.net.connect(piecesAt, either)).close(), runtime, signal),
  ]);
  return {
    mirror: { address: mirrorAddress, answer: mirror },
    isAskedInTls: mirrorUrl.startsWith("https:"),
    health: { url: healthUrl, answer: healthAnswer },
    metrics: { url: metricsUrl, answer: metricsAnswer },
    socket: { path: download.server.socketPath, state: socket },
    host: { ip, isShared: !upload.disableShared },
    upload: { address: uploadAddress, ...uploadReached },
    pieces: { address: formatHostPort(piecesAt), ...piecesReached },
  };
}

/** What a mirror with `basicAuth` wants with each request. */
export function basicAuthorization(login: DfdaemonConfig["proxy"]["server"]["basicAuth"]): Record<string, string> {
  if (login === undefined) return {};
  const encoded = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  return { "proxy-authorization": `Basic ${encoded}` };
}

async function reached(
  connect: (signal: AbortSignal) => Promise<unknown>,
  { clock }: DoctorRuntime,
  signal: AbortSignal,
): Promise<Reached> {
  const result = await within(CONNECT_TIMEOUT_MS, clock, signal, async (either) => {
    await connect(either);
    return {};
  });
  return "problem" in result ? { problem: result.problem } : {};
}

async function askHealth(
  address: string,
  tls: TlsFiles | undefined,
  { clock }: Pick<DoctorRuntime, "clock">,
  signal: AbortSignal,
): Promise<void> {
  if (await checkHealth(address, { clock, signal, timeoutMs: CONNECT_TIMEOUT_MS, tls })) return;
  throw new DamselflyError("unavailable", "it says that it does not serve");
}

async function lookAtSocket(
  path: string,
  { clock, disk }: DoctorRuntime,
  signal: AbortSignal,
): Promise<DaemonFacts["socket"]["state"]> {
  const asked = await within(CONNECT_TIMEOUT_MS, clock, signal, async (either) => {
    if (await disk.stat(path) === undefined) return "is not there" as const;
    await askHealth(`unix:${path}`, undefined, { clock }, either);
    return "serves" as const;
  });
  if (typeof asked === "string") return asked;
  return /EACCES|permission/i.test(asked.problem) ? "is denied" : "is silent";
}
