import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { formatBytes, formatMs } from "../cli/format.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import { RESPONSE_HEADERS } from "../http/dragonfly_headers.ts";
import { pullImage } from "../oci/image_pull.ts";
import { PullClient } from "../oci/image_pull_client.ts";
import type { ImageReference } from "../oci/image_reference.ts";
import type { Platform } from "../oci/platform.ts";
import { isConfiguredOrigin } from "../peer/mirror/upstream.ts";
import { openRegistryClients } from "../peer/registry_clients.ts";
import type { Fetch } from "../runtime/runtime.ts";
import { type DoctorRuntime, within } from "./ask.ts";
import { found, type Outcome, well } from "./finding.ts";

/** For the whole pull. An image that takes longer says nothing that a small one would not. */
const PULL_TIMEOUT_MS = 5 * 60_000;
const DIRECT_TIMEOUT_MS = 30_000;

/** Where the bytes of a pull came from. */
export interface CanaryBytes {
  /** Of contents that this host had all of. */
  readonly local: number;
  /** Of contents that came by a task, from parents or the source. */
  readonly byTask: number;
  /** Of contents that only passed through. */
  readonly passedOn: number;
}

/** How a pull through the mirror went. */
export interface CanaryFacts {
  readonly image: string;
  readonly registry: string;
  readonly pull:
    | { readonly kind: "done"; readonly bytes: CanaryBytes; readonly ms: number }
    | { readonly kind: "login" }
    | {
      readonly kind: "failed";
      readonly problem: string;
      /** Whether the registry itself gives the image, so that a runtime goes there. */
      readonly isThereDirectly: boolean;
    };
  /** Bytes that dfdaemon took meanwhile from parents and from sources, for whomever; undefined where it did not say. */
  readonly traffic: { readonly parents: number; readonly source: number } | undefined;
}

/** What is pulled, and how. */
export interface CanaryTarget {
  readonly config: DfdaemonConfig;
  readonly text: string;
  readonly image: ImageReference;
  /** Where the registry is. */
  readonly registry: URL;
  /** `http://host:port` of the mirror. */
  readonly mirror: string;
  /** What the mirror wants with each request. */
  readonly mirrorHeaders: Readonly<Record<string, string>>;
  readonly platform: Platform;
  /** Bytes that dfdaemon has taken so far. */
  readonly traffic: () => Promise<CanaryFacts["traffic"]>;
}

/** Pulls an image through the mirror as containerd does, and keeps nothing. */
export async function pullCanary(
  target: CanaryTarget,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<CanaryFacts> {
  const { text, image, mirror, platform, mirrorHeaders, registry } = target;
  const bytes = { local: 0, byTask: 0, passedOn: 0 };
  const counting: Fetch = async (input, init = {}) => {
    const url = new URL(input);
    const isMirror = url.origin === mirror;
    const headers = { ...Object.fromEntries(new Headers(init.headers)), ...(isMirror ? mirrorHeaders : {}) };
    const response = await runtime.fetch(url, { ...init, headers });
    if (isMirror && response.ok && init.method === "GET" && url.pathname.includes("/blobs/")) count(response, bytes);
    return response;
  };
  const before = await target.traffic();
  const startedAt = runtime.clock.now();
  const pulled = await within(PULL_TIMEOUT_MS, runtime.clock, signal, async (either) => {
    const effects = { fetch: counting, clock: runtime.clock };
    await pullImage({ image, endpoint: mirror, platform }, effects, either);
    return { ms: runtime.clock.now() - startedAt };
  });
  const after = await target.traffic();
  const facts = { image: text, registry: registry.origin };
  const traffic = before === undefined || after === undefined
    ? undefined
    : { parents: after.parents - before.parents, source: after.source - before.source };
  if (!("problem" in pulled)) return { ...facts, traffic, pull: { kind: "done", bytes, ms: pulled.ms } };
  const { error, problem } = pulled;
  if (error instanceof DamselflyError && error.code === "unauthenticated") {
    return { ...facts, traffic, pull: { kind: "login" } };
  }
  const isThereDirectly = await isAtRegistry(target, runtime, signal);
  return { ...facts, traffic, pull: { kind: "failed", problem, isThereDirectly } };
}

function count({ headers }: Response, bytes: { local: number; byTask: number; passedOn: number }): void {
  const length = Number(headers.get("content-length") ?? 0);
  if (!headers.has(RESPONSE_HEADERS.taskId)) bytes.passedOn += length;
  else if (headers.get(RESPONSE_HEADERS.downloadFinished) === "true") bytes.local += length;
  else bytes.byTask += length;
}

async function isAtRegistry(
  { config: { proxy: { registryMirror } }, image, registry }: CanaryTarget,
  runtime: DoctorRuntime,
  signal: AbortSignal,
): Promise<boolean> {
  const upstream = { defaultAddr: registryMirror.addr, upstreams: registryMirror.upstreams };
  const isConfigured = (origin: string) => isConfiguredOrigin(origin, upstream);
  const { namespace, repository, tag, digest } = image;
  const asked = await within(DIRECT_TIMEOUT_MS, runtime.clock, signal, async (either) => {
    await using clients = await openRegistryClients(registryMirror, { ...runtime, isConfigured });
    const client = new PullClient({ endpoint: registry.origin, namespace, repository }, {
      fetch: (input, init) => clients.fetch(input, init),
      clock: runtime.clock,
    });
    const response = await client.send("HEAD", `manifests/${digest?.text ?? tag}`, { accept: "*/*" }, either);
    await response.body?.cancel();
    return { isThere: response.ok };
  });
  return "isThere" in asked && asked.isThere;
}

/** Whether the pull went through the swarm, and where its bytes came from. */
export function judgeCanary({ image, registry, pull, traffic }: CanaryFacts): Outcome[] {
  if (pull.kind === "login") {
    const what = `${registry} wants a login for it, which the doctor has not; name an image that everybody may pull`;
    return [found("doctor.canary.login", image, what)];
  }
  if (pull.kind === "failed") {
    if (!pull.isThereDirectly) {
      const mend = "name an image that there is, or mend what is said of its registry";
      return [
        found("doctor.canary.failed", image, `neither the mirror nor ${registry} gives it: ${pull.problem}`, mend),
      ];
    }
    const what = `the runtime goes to ${registry} itself, for the mirror does not give it: ${pull.problem}`;
    return [
      found("doctor.canary.fell_back", image, what, "the reason, and dfdaemon's log of this moment, say what to do"),
    ];
  }
  const { local, byTask, passedOn } = pull.bytes;
  const parts = [
    `${formatBytes(local)} from this host's disk`,
    ...(traffic === undefined
      ? [`${formatBytes(byTask)} by tasks`]
      : [`${formatBytes(traffic.parents)} from parents`, `${formatBytes(traffic.source)} from the registry`]),
  ];
  if (passedOn > 0 && passedOn >= local + byTask) {
    const what = `${formatBytes(passedOn)} only passed through the mirror, and nobody else gets them from this host`;
    const mend = 'give proxy.rules of dfdaemon.yaml a row with regex: "blobs/sha256.*"';
    return [found("doctor.canary.past_swarm", image, what, mend)];
  }
  const passed = passedOn === 0 ? "" : `, ${formatBytes(passedOn)} passed on`;
  return [well("doctor.canary", image, `pulled in ${formatMs(pull.ms)}: ${parts.join(", ")}${passed}`)];
}

/** What an image's name that cannot be read is worth. */
export function judgeImageName(text: string, error: unknown): Outcome[] {
  return [found("doctor.canary.image", text, errorText(error), "write it as crictl pull takes it")];
}
