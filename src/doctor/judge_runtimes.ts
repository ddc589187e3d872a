import { isIP } from "node:net";
import { isEveryAddress } from "../runtime/net.ts";
import type { Route } from "../../dfinit/runtimes/route.ts";
import { found, type Outcome, well } from "./finding.ts";
import type { RuntimeFacts } from "./runtimes.ts";
import { bareHost } from "../http/url_place.ts";

/** What the files of the runtimes are compared with. */
export interface RuntimeContext {
  /** The address of `proxy.server` in dfdaemon.yaml; undefined when that file cannot be used. */
  readonly mirror: { readonly ip: string; readonly port: number } | undefined;
  /** Registries that somebody named: pulls from them are meant to go through the swarm. */
  readonly named: ReadonlySet<string>;
  /** The file that says which runtimes there are; undefined where they were found without one. */
  readonly dfinitPath: string | undefined;
  /** Where the node's `/` is mounted. */
  readonly root: string;
}

const DFINIT_YAML = "/etc/dragonfly/dfinit.yaml";

/** Whether each runtime's pulls go through the mirror of this node, and if not, why. */
export function judgeRuntimes(runtimes: readonly RuntimeFacts[], context: RuntimeContext): Outcome[] {
  if (runtimes.length === 0) {
    const what = "no container runtime is named or found, so nobody pulls through the peer but dfget";
    const mend = `name it in ${context.dfinitPath ?? DFINIT_YAML} below containerRuntime, such as containerd: {}`;
    return [found("doctor.runtime.none", "this node", what, mend)];
  }
  const isTold = context.dfinitPath !== undefined;
  const isOneUsed = runtimes.some(usesPeer);
  return runtimes.flatMap((runtime) => {
    if (isTold || isMeantToUse(runtime) || runtime.refusals.length > 0) return judgeRuntime(runtime, context);
    const what = "is on this node, and asks the peer for nothing";
    const id = isOneUsed ? "doctor.runtime.not_used" : "doctor.runtime.not_configured";
    return [found(id, runtime.name, what, isOneUsed ? undefined : namingIt(runtime.name, context))];
  });
}

function usesPeer({ routes, mirror }: RuntimeFacts): boolean {
  return routes.some(({ hosts }) => hosts.some((host) => isPeer(host, mirror)));
}

/** Somebody sent it to the peer, be it to a port where the peer is not. */
function isMeantToUse({ routes, mirror }: RuntimeFacts): boolean {
  return routes.some(({ hosts }) => hosts.some((host) => isPeer(host, mirror) || isOtherPort(host, mirror)));
}

/** What to write where dfinit was told nothing. */
function namingIt(runtime: string, context: RuntimeContext): string {
  const listed = "registries: [{ prefix: quay.io, location: quay.io }]";
  const text = { docker: "docker: {}", podman: `podman: { ${listed} }` }[runtime] ?? "containerd: {}";
  return `write to ${DFINIT_YAML}: containerRuntime: { ${text} }; and run: ${dfinitCommand(context)}`;
}

/** What to type so that dfinit configures the runtimes. */
function dfinitCommand({ dfinitPath, root }: Pick<RuntimeContext, "dfinitPath" | "root">): string {
  const config = dfinitPath === undefined || dfinitPath === DFINIT_YAML ? "" : ` --config ${dfinitPath}`;
  return `damselfly dfinit${config}${root === "/" ? "" : ` --root ${root}`}`;
}

function judgeRuntime(runtime: RuntimeFacts, context: RuntimeContext): Outcome[] {
  const { name, refusals, warnings } = runtime;
  const outcomes = [
    ...refusals.map(({ path, reason, todo }) => found("doctor.runtime.unreadable", name, `${path}: ${reason}`, todo)),
    ...warnings.map((warning) => found("doctor.runtime.warning", name, warning, "the warning says what to do")),
  ];
  if (refusals.length > 0) return outcomes;
  const wrongAddress = judgeAddress(runtime, context);
  if (wrongAddress !== undefined) outcomes.push(wrongAddress);
  outcomes.push(...judgeState(runtime, context), ...judgeBypasses(runtime, context), ...judgeRestart(runtime));
  const isAsWanted = context.dfinitPath === undefined || runtime.state === "configured";
  if (isAsWanted && wrongAddress === undefined) {
    outcomes.push(...runtime.routes.flatMap((route) => judgeRoute(route, runtime, context)));
  }
  const through = runtime.routes.filter(({ hosts: [first] }) => first !== undefined && isPeer(first, runtime.mirror));
  const isWell = outcomes.every(({ level }) => level === "info" || level === "warn");
  if (isWell) {
    const names = through.map(({ registry }) => registry).sort();
    const what = names.length === 0 ? "is configured" : `pulls through ${runtime.mirror}: ${names.join(", ")}`;
    outcomes.unshift(well("doctor.runtime", name, what));
  }
  return outcomes;
}

/** The runtime is sent where dfdaemon does not listen. */
function judgeAddress({ name, mirror }: RuntimeFacts, context: RuntimeContext): Outcome | undefined {
  const { mirror: listen, dfinitPath } = context;
  if (listen === undefined || dfinitPath === undefined) return undefined;
  const asked = placeOf(mirror);
  const isSameIp = isEveryAddress(listen.ip) || asked?.ip === listen.ip || isIP(asked?.ip ?? "") === 0;
  if (asked?.port === listen.port && isSameIp) return undefined;
  return found(
    "doctor.runtime.wrong_address",
    name,
    `is sent to ${mirror} by ${dfinitPath}, and dfdaemon listens on ${listen.ip}:${listen.port}`,
    `make proxy.addr of ${dfinitPath} and proxy.server of dfdaemon.yaml agree, and run: ${dfinitCommand(context)}`,
  );
}

function judgeState({ name, state, changes }: RuntimeFacts, context: RuntimeContext): Outcome[] {
  if (context.dfinitPath === undefined) return []; // what nobody asked for is not missed
  const what = changes.map(({ path, why }) => `${path}: ${why}`).join("; ");
  const mend = dfinitCommand(context);
  if (state === "drifted") return [found("doctor.runtime.drifted", name, `is not as dfinit left it: ${what}`, mend)];
  if (state === "not configured") return [found("doctor.runtime.not_configured", name, `needs ${what}`, mend)];
  return [];
}

function nameInDfinit(runtime: string): string {
  return runtime === "k3s" || runtime === "rke2" ? "containerd" : runtime;
}

function judgeBypasses({ name, bypassed }: RuntimeFacts, { dfinitPath }: RuntimeContext): Outcome[] {
  if (dfinitPath === undefined) return [];
  // Docker asks mirrors for Docker Hub alone, whatever its files say.
  const id = name === "docker" ? "doctor.runtime.docker_hub_only" : "doctor.runtime.bypassed";
  return bypassed.map(({ registry, reason, todo }) => {
    const which = registry === "*" ? "pulls from all registries" : `pulls from ${registry}`;
    return found(id, name, `${which} go around the peer: ${reason}`, todo);
  });
}

function judgeRestart({ name, service, restart, changedFile }: RuntimeFacts): Outcome[] {
  if (restart === "not owed" || service === undefined) return [];
  const mend = `systemctl restart ${service}`;
  const what = "it started before its configuration was changed, and runs with what was there then";
  if (restart === "by dfinit") return [found("doctor.runtime.restart_owed", name, what, mend)];
  return [found("doctor.runtime.restart_unsure", name, `${changedFile} was written since it started`, mend)];
}

/** The login for the registry goes to its token server, which containerd asks with the keys of the peer's table. */
function judgeLogin(route: Route, { name, mirror }: RuntimeFacts, context: RuntimeContext): Outcome[] {
  const { registry, path, lackingTls = [] } = route;
  if (!lackingTls.some((host) => isPeer(host, mirror))) return [];
  const what = `pulls from ${registry} with a login for a token go around the peer: its table in ${path} lacks ca, ` +
    "client or skip_verify of the top, with which the token server is asked";
  const mend = `repeat them in the table of ${mirror} in ${path}, or ${listing(registry, name, context)}`;
  return [found("doctor.runtime.login_past_peer", name, what, mend)];
}

function listing(registry: string, runtime: string, context: RuntimeContext): string {
  const where = context.dfinitPath ?? DFINIT_YAML;
  const list = `containerRuntime.${nameInDfinit(runtime)}.registries of ${where}`;
  return `list ${registry} below ${list}, and run: ${dfinitCommand(context)}`;
}

function judgeRoute(route: Route, facts: RuntimeFacts, context: RuntimeContext): Outcome[] {
  const { registry, path, hosts } = route;
  const { name, mirror, bypassed } = facts;
  const at = hosts.findIndex((host) => isPeer(host, mirror));
  if (at === 0) return judgeLogin(route, facts, context);
  if (at > 0) {
    const what = `asks ${
      hosts.slice(0, at).map(shown).join(" and ")
    } for images of ${registry} before the peer (${path})`;
    const mend = `move the peer's entry, ${mirror}, in front of the others in ${path}`;
    return [found("doctor.runtime.other_mirror_first", name, what, mend)];
  }
  const elsewhere = hosts.find((host) => isOtherPort(host, mirror));
  if (elsewhere !== undefined) {
    const what = `asks ${shown(elsewhere)} for images of ${registry} (${path}), and the peer is at ${mirror}`;
    return [found("doctor.runtime.wrong_address", name, what, `write ${mirror} there instead`)];
  }
  if (bypassed.some((bypass) => bypass.registry === registry || bypass.registry === "*")) return [];
  const id = context.named.has(registry) ? "doctor.runtime.bypassed" : "doctor.runtime.not_listed";
  const what = `pulls from ${registry} go around the peer: ${path} does not name it`;
  return [found(id, name, what, listing(registry, name, context))];
}

/** Whether a host of a runtime's configuration is the peer; CRI-O and Podman write the registry behind it. */
function isPeer(host: string, mirror: string): boolean {
  const [one, other] = [placeOf(host), placeOf(mirror)];
  return one !== undefined && one.ip === other?.ip && one.port === other.port;
}

function isOtherPort(host: string, mirror: string): boolean {
  const [one, other] = [placeOf(host), placeOf(mirror)];
  return one !== undefined && one.ip === other?.ip && one.port !== other.port;
}

/** A host without the user and password that may stand in it. */
function shown(host: string): string {
  return URL.canParse(host) ? new URL(host).origin : "another host";
}

/** Where a URL leads to; all names of the loopback address are one. */
function placeOf(url: string): { readonly ip: string; readonly port: number } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  const ip = bareHost({ hostname });
  return {
    ip: ["localhost", "::1"].includes(ip) ? "127.0.0.1" : ip,
    port: Number(port || (protocol === "https:" ? 443 : 80)),
  };
}
