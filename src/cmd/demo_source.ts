import { DamselflyError, errorText } from "../core/error.ts";
import { type ImageReference, parseImageReference } from "../oci/image_reference.ts";
import { defaultEndpoint } from "../oci/registry_namespace.ts";
import { makeSampleImage } from "../oci/sample_image.ts";
import { startSampleRegistry } from "../oci/sample_registry.ts";
import type { Runtime } from "../runtime/runtime.ts";

const REACH_TIMEOUT_MS = 5_000;
const DEFAULT_IMAGE = "docker.io/library/alpine:3.19";
const SAMPLE_REPOSITORY = "damselfly/sample";

/** The image that the demo pulls, and where its registry is. */
export interface DemoSource extends AsyncDisposable {
  readonly image: ImageReference;
  readonly name: string;
  readonly endpoint: URL;
  /** Why it is another image than one might expect. */
  readonly note?: string;
}

/**
 * Finds a registry to pull from: the one of `name`; without a name Docker Hub's, or, where that cannot be reached, one
 * of our own. Throws `invalid_argument` for what is no image, `unavailable` when the registry of `name` is not there.
 */
export async function openDemoSource(
  name: string | undefined,
  isInsecure: boolean,
  runtime: Pick<Runtime, "fetch" | "clock">,
  signal: AbortSignal,
): Promise<DemoSource> {
  const image = parseImageReference(name ?? DEFAULT_IMAGE);
  const endpoint = isInsecure ? new URL(`http://${image.namespace}`) : defaultEndpoint(image.namespace);
  const reason = await unreachableReason(endpoint, runtime, signal);
  if (reason === undefined) return { image, endpoint, name: name ?? DEFAULT_IMAGE, async [Symbol.asyncDispose]() {} };
  if (name === undefined) return await openSample(reason, endpoint, runtime, signal);
  const hint = isInsecure ? "" : "; --insecure uses plain HTTP";
  throw new DamselflyError(
    "unavailable",
    `Cannot reach the registry of ${name} at ${endpoint.origin}: ${reason}${hint}`,
  );
}

/** Why there is no registry at an endpoint; undefined when there is one. */
async function unreachableReason(
  endpoint: URL,
  { fetch, clock }: Pick<Runtime, "fetch" | "clock">,
  signal: AbortSignal,
): Promise<string | undefined> {
  using limit = clock.deadline(REACH_TIMEOUT_MS);
  try {
    const either = AbortSignal.any([signal, limit.signal]);
    const answer = await fetch(new URL("/v2/", endpoint), { redirect: "manual", signal: either });
    await answer.body?.cancel();
    // 401 is the usual answer of a registry that wants a token; a proxy's own page has another status.
    if (answer.ok || answer.status === 401) return undefined;
    return `it answered ${answer.status}, which is not what a registry answers`;
  } catch (error) {
    signal.throwIfAborted();
    return limit.signal.aborted ? `no answer within ${REACH_TIMEOUT_MS / 1000} s` : fetchErrorText(error);
  }
}

/** What fetch says of a failed connection, without its way of saying so. */
function fetchErrorText(error: unknown): string {
  return errorText(error).replace(/^.*error sending request for url \([^)]*\): (client error \(\w+\): )?/, "");
}

async function openSample(
  reason: string,
  endpoint: URL,
  { clock }: Pick<Runtime, "clock">,
  signal: AbortSignal,
): Promise<DemoSource> {
  const sample = await makeSampleImage();
  signal.throwIfAborted();
  const registry = startSampleRegistry({
    clock,
    images: [{ repository: SAMPLE_REPOSITORY, tag: "latest", image: sample }],
  });
  const name = `${registry.namespace}/${SAMPLE_REPOSITORY}:latest`;
  return {
    image: parseImageReference(name),
    name,
    endpoint: new URL(registry.url),
    note: `${endpoint.origin} cannot be reached from here (${reason}), so this pulls a sample image, ` +
      "made on the spot, from a registry in this process.",
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}
