import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DamselflyError } from "../core/error.ts";
import { canonicalEndpoint, defaultEndpoint } from "../oci/registry_namespace.ts";
import { fallbackReasonOf } from "../peer/mirror/fallbacks.ts";
import { openRegistryClients } from "../peer/registry_clients.ts";
import { isConfiguredOrigin } from "../peer/mirror/upstream.ts";
import { sourceFailure } from "../peer/source/source_failure.ts";
import type { SourceFetch } from "../peer/source/registry_fetch.ts";
import { UPSTREAMS_KEY } from "../peer/source/exchange.ts";
import { Destinations } from "../http/destination.ts";
import { type DoctorRuntime, firstText, within } from "./ask.ts";

const ANSWER_TIMEOUT_MS = 10_000;
/** Of an answer that may say why it is none. */
const BODY_BYTES_MAX = 16 * 1024;
/** More are not asked, so that a doctor on a node with a thousand registries ends. */
const REGISTRIES_MAX = 50;

/** A registry that this node's peer may be asked for. */
export interface RegistryPlace {
  /** As image names write it. */
  readonly namespace: string;
  /** Where the peer asks it. */
  readonly url: URL;
  /** Somebody wrote it down; otherwise it is a default. */
  readonly isNamed: boolean;
}

/** How a registry answered `GET /v2/`, asked as dfdaemon asks it. */
export interface RegistryFacts extends RegistryPlace {
  readonly answer:
    | { readonly status: number; readonly isRegistry: boolean; readonly beginning: string; readonly dateMs?: number }
    | { readonly reason: string; readonly mend: string; readonly problem: string };
  /** Milliseconds since 1970 on this host when the answer came. */
  readonly wallMs: number;
  /** A file with an authority that the runtime trusts and that would vouch for it. */
  readonly authorityFile?: string;
}

/** All that registries told, or why none could be asked. */
export interface RegistriesFacts {
  readonly registries: readonly RegistryFacts[];
  /** Why the files of authorities of the configuration cannot be used. */
  readonly trustProblem?: string;
}

/** The registries that the configuration names, and those of `others`, which image names write. */
export function registriesOf(
  { proxy: { registryMirror: { addr, upstreams } } }: Pick<DfdaemonConfig, "proxy">,
  defaultAddr: string,
  others: readonly string[],
): RegistryPlace[] {
  const places = new Map<string, RegistryPlace>();
  const add = (place: RegistryPlace) => {
    if (!places.has(place.namespace)) places.set(place.namespace, place);
  };
  for (const { namespace, addr } of upstreams) add({ namespace, url: new URL(addr), isNamed: true });
  for (const namespace of others) {
    if (URL.canParse(`https://${namespace}`)) add({ namespace, url: defaultEndpoint(namespace), isNamed: true });
  }
  const isDefault = addr === defaultAddr;
  const url = canonicalEndpoint(new URL(addr));
  const known = [...places.values()].some((place) => place.url.origin === url.origin);
  if (!known) add({ namespace: isDefault ? "docker.io" : url.host, url, isNamed: !isDefault });
  return [...places.values()].slice(0, REGISTRIES_MAX);
}

/** Where runtimes look for authorities of one registry besides the system's, below the node's root. */
function authorityFolders(namespace: string): string[] {
  const names = new Set([namespace.replace(/:(\d+)$/, "_$1_"), namespace]);
  return ["/etc/containerd/certs.d", "/etc/docker/certs.d"].flatMap((root) =>
    [...names].map((name) => `${root}/${name}`)
  );
}

/** Asks each registry as dfdaemon would: with the authorities that it trusts, on any port, where requests may go. */
export async function lookAtRegistries(
  places: readonly RegistryPlace[],
  { proxy: { registryMirror }, security }: Pick<DfdaemonConfig, "proxy" | "security">,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<RegistriesFacts> {
  const upstream = { defaultAddr: registryMirror.addr, upstreams: registryMirror.upstreams };
  const isConfigured = (origin: string) => isConfiguredOrigin(origin, upstream);
  const { deniedNetworks: denied, allowedNetworks: allowed } = security;
  const destinations = new Destinations(runtime.net, { isConfigured, key: UPSTREAMS_KEY, denied, allowed });
  try {
    await using clients = await openRegistryClients(registryMirror, { ...runtime, isConfigured });
    const ways = { destinations, fetch: clients.fetch };
    return { registries: await Promise.all(places.map((place) => ask(place, ways, runtime, signal))) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DamselflyError)) throw error;
    return { registries: [], trustProblem: error.message };
  }
}

/** How dfdaemon asks a registry. */
interface Ways {
  readonly fetch: SourceFetch;
  readonly destinations: Destinations;
}

async function ask(
  place: RegistryPlace,
  ways: Ways,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<RegistryFacts> {
  const url = new URL("/v2/", place.url);
  const answer = await answerOf(url, ways, runtime, signal);
  const authorityFile = "reason" in answer && answer.reason === "certificate"
    ? await trustedFile(place.namespace, url, ways.fetch, runtime, signal)
    : undefined;
  const wallMs = runtime.clock.wallMs();
  return { ...place, answer, wallMs, ...(authorityFile === undefined ? {} : { authorityFile }) };
}

async function answerOf(
  url: URL,
  { fetch, destinations }: Ways,
  { clock }: DoctorRuntime,
  signal: AbortSignal,
): Promise<RegistryFacts["answer"]> {
  const asked = await within(ANSWER_TIMEOUT_MS, clock, signal, async (either) => {
    // A name that nobody knows is told by the resolver more plainly than by a client of HTTP.
    await destinations.addressesOf({ origin: url.origin, hostname: url.hostname, remoteIp: undefined });
    const response = await fetch(url, { redirect: "manual", signal: either });
    const beginning = await firstText(response, BODY_BYTES_MAX);
    const date = Date.parse(response.headers.get("date") ?? "");
    const isRegistry = response.headers.has("docker-distribution-api-version") ||
      response.headers.has("www-authenticate") || response.ok;
    const { status } = response;
    return { status, isRegistry, beginning, ...(Number.isNaN(date) ? {} : { dateMs: date }) };
  });
  if (!("problem" in asked)) return asked;
  const code = asked.error instanceof DamselflyError ? asked.error.code : undefined;
  const isLate = code === "timeout";
  const what = isLate ? `it did not answer within ${ANSWER_TIMEOUT_MS / 1000} s` : "there is no answer";
  const failure = code === "permission_denied" ? asked.error : sourceFailure(url, what, { cause: asked.error });
  const { reason, mend } = fallbackReasonOf(failure) ??
    { reason: "unreachable", mend: "look whether this host reaches it" };
  return { reason, mend, problem: asked.problem };
}

/** A file of the runtimes' own whose authority would be enough. */
async function trustedFile(
  namespace: string,
  url: URL,
  fetch: SourceFetch,
  { disk, clock }: DoctorRuntime,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const folder of authorityFolders(namespace)) {
    if (await disk.stat(folder) === undefined) continue;
    for (const name of (await disk.list(folder)).filter((name) => /\.(?:crt|pem)$/.test(name))) {
      const path = `${folder}/${name}`;
      const tried = await within(ANSWER_TIMEOUT_MS, clock, signal, async (either) => {
        const response = await fetch(url, { authorities: [await disk.readText(path)], signal: either });
        await response.body?.cancel();
        return path;
      });
      if (typeof tried === "string") return tried;
    }
  }
  return undefined;
}
