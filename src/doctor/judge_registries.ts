import { type FindingId, found, type Outcome, well } from "./finding.ts";
import type { RegistriesFacts, RegistryFacts } from "./registries.ts";

const UPSTREAMS = "proxy.registryMirror.upstreams";

/** What servers say that were asked by plain HTTP and speak TLS: Go's, nginx, Apache and Envoy. */
const WANTS_TLS = /HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS|speaking plain HTTP to an SSL/i;

/** The finding for each reason that a registry cannot be asked for. */
const BY_REASON: Readonly<Record<string, FindingId>> = {
  plain_http: "doctor.registry.plain_http",
  certificate: "doctor.registry.certificate",
  name: "doctor.registry.name",
  port: "doctor.registry.port",
  forbidden: "doctor.registry.forbidden",
};

/** Whether dfdaemon reaches each registry, and trusts it. */
export function judgeRegistries({ registries, trustProblem }: RegistriesFacts): Outcome[] {
  if (trustProblem !== undefined) {
    const mend = `correct proxy.registryMirror.cert, or ca in ${UPSTREAMS}: dfdaemon does not start with it`;
    return [found("doctor.registry.trust", "authorities", trustProblem, mend)];
  }
  return registries.flatMap(judgeRegistry);
}

function judgeRegistry(facts: RegistryFacts): Outcome[] {
  const { namespace, url, answer, isNamed } = facts;
  if ("reason" in answer) return [judgeFailure(facts, answer)];
  const { status, isRegistry, beginning } = answer;
  if (url.protocol === "http:" && WANTS_TLS.test(beginning)) {
    const what = `${url.origin} speaks TLS, and is asked by plain HTTP`;
    return [found("doctor.registry.tls_expected", namespace, what, rowOf(namespace, `https://${url.host}`))];
  }
  if (status === 401) {
    const what = `${url.origin} answers, and wants a login, which the runtime sends through the mirror`;
    return [found("doctor.registry.login", namespace, what)];
  }
  if (status >= 500 || status === 429) {
    const mend = "look at the registry's own log, or wait until it takes requests again";
    return [found("doctor.registry.error", namespace, `${url.origin} answers ${status}`, mend)];
  }
  if (!isRegistry && isNamed) {
    const what = `${url.origin}/v2/ answers ${status}, and not as a registry`;
    const mend = `give its row in ${UPSTREAMS} the address of the registry itself as addr`;
    return [found("doctor.registry.not_a_registry", namespace, what, mend)];
  }
  return [well("doctor.registry", namespace, `${url.origin} answers`)];
}

function judgeFailure(
  { namespace, url, isNamed, authorityFile }: RegistryFacts,
  { reason, mend, problem }: { readonly reason: string; readonly mend: string; readonly problem: string },
): Outcome {
  const what = `${url.origin} cannot be asked: ${problem}`;
  if (!isNamed) {
    const only = "only if images are pulled from it: see whether this host reaches it, or what egress proxy it needs";
    return found("doctor.registry.default_unreachable", namespace, what, only);
  }
  const id = BY_REASON[reason] ?? "doctor.registry.unreachable";
  if (id === "doctor.registry.plain_http") return found(id, namespace, what, rowOf(namespace, `http://${url.host}`));
  if (authorityFile !== undefined) {
    const row = `{ namespace: ${namespace}, addr: ${url.origin}, ca: ${authorityFile} }`;
    const trusted = `${what}. The runtime trusts it by ${authorityFile}, and dfdaemon does not read that`;
    return found(id, namespace, trusted, `write to ${UPSTREAMS}: ${row}`);
  }
  return found(id, namespace, what, mend);
}

function rowOf(namespace: string, addr: string): string {
  return `write to ${UPSTREAMS} of dfdaemon.yaml: { namespace: ${namespace}, addr: ${addr} }`;
}
