import { DamselflyError, errorText, isCancelled } from "../../core/error.ts";
import { NOT_TLS } from "../../http/not_tls.ts";
import { BoundedLabels } from "../../runtime/bounded_labels.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";
import { SeldomLog } from "./seldom_log.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";

const UPSTREAMS = "proxy.registryMirror.upstreams";

/** Why a request cannot be answered here, and what mends it. */
export interface FallbackReason {
  readonly reason: string;
  readonly mend: string;
}

/** What a client of HTTP says of a source that it cannot reach, the first that fits. */
const UNREACHABLE: readonly [pattern: RegExp, FallbackReason][] = [
  [NOT_TLS, {
    reason: "plain_http",
    mend: `it speaks no TLS: give its row in ${UPSTREAMS} an http:// address as addr`,
  }],
  [/certificate/i, {
    reason: "certificate",
    mend: `give its authority as ca of its row in ${UPSTREAMS}, as proxy.registryMirror.cert, or to the system`,
  }],
  [/ports? \d+ (?:is|are) blocked/i, {
    reason: "port",
    mend: `no registry is asked on this port: give its row in ${UPSTREAMS} another one as addr`,
  }],
  [/dns error|cannot find an address/i, {
    reason: "name",
    mend: `the host's name servers do not know it: give its address as addr of its row in ${UPSTREAMS}`,
  }],
  [/did not answer within/i, {
    reason: "timeout",
    mend: `look whether this host reaches it, or give another address as addr of its row in ${UPSTREAMS}`,
  }],
];
const OTHERWISE_UNREACHABLE: FallbackReason = {
  reason: "unreachable",
  mend: `look whether this host reaches it, or give another address as addr of its row in ${UPSTREAMS}`,
};
const INTERNAL: FallbackReason = { reason: "internal", mend: "report it with this line" };
const FORBIDDEN: FallbackReason = { reason: "forbidden", mend: `if it is a registry, name it in ${UPSTREAMS}` };
const NO_SPACE: FallbackReason = { reason: "no_space", mend: "make room on the volume of storage.dir" };
const OTHERS = [OTHERWISE_UNREACHABLE, INTERNAL, FORBIDDEN, NO_SPACE];
const OTHERWISE = "the reason says what to do";

/** Why a failure sends a container runtime past us; undefined when it is the source's own answer, or nobody's fault. */
export function fallbackReasonOf(error: unknown): FallbackReason | undefined {
  if (isCancelled(error)) return undefined;
  if (!(error instanceof DamselflyError)) return INTERNAL;
  switch (error.code) {
    case "source_error": {
      if (sourceAnswerOf(error)?.status !== undefined) return undefined;
      const text = errorText(error);
      return UNREACHABLE.find(([pattern]) => pattern.test(text))?.[1] ?? OTHERWISE_UNREACHABLE;
    }
    case "invalid_argument":
    case "unimplemented":
      return undefined;
    case "permission_denied":
      return FORBIDDEN;
    case "no_space":
      return NO_SPACE;
    default:
      return { reason: error.code, mend: OTHERWISE };
  }
}

/** What mends what {@link Fallbacks} counted with this reason. */
export function fallbackMend(reason: string): string {
  return [...UNREACHABLE.map(([, found]) => found), ...OTHERS].find((found) => found.reason === reason)?.mend ??
    OTHERWISE;
}

/** Tells when a registry's pulls go past the swarm: the runtime goes on without us, and everything looks fine. */
export class Fallbacks {
  readonly #log: SeldomLog;
  readonly #total: Counter;
  readonly #labels = new BoundedLabels();

  constructor({ clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#log = new SeldomLog({ clock, log });
    const help = "Requests that a container runtime has to send to the registry itself, because we cannot";
    this.#total = metrics.counter("damselfly_client_fallback_total", help, ["registry", "reason"]);
  }

  /** Takes note of what a request for a registry (`host:port`) failed with. */
  failed(registry: string, error: unknown): void {
    const found = fallbackReasonOf(error);
    if (found === undefined) return;
    this.#total.inc(this.#labels.of({ registry, reason: found.reason }));
    this.#log.warn(registry, "A registry's pulls go past the swarm", { ...found, error: errorText(error) });
  }
}
