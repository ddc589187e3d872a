import { serviceName } from "../install/unit.ts";

/** How bad something is. `info` is worth knowing and needs nothing. */
export type Level = "ok" | "info" | "warn" | "fail";

/**
 * Everything that the doctor may find, with how bad it is: `fail` loses pulls or the swarm, `warn` may, or will. The
 * ids are for scripts and do not change; docs/doctor.md tells more of each.
 */
export const FINDINGS = {
  "doctor.config.missing": "info",
  "doctor.config.invalid": "fail",
  "doctor.config.ignored": "info",
  "doctor.config.no_rule": "fail",
  "doctor.config.not_allowed": "fail",
  "doctor.config.tls": "fail",
  "doctor.config.warned": "warn",
  "doctor.config.address": "fail",
  "doctor.runtime.none": "warn",
  "doctor.runtime.unreadable": "fail",
  "doctor.runtime.not_configured": "fail",
  "doctor.runtime.drifted": "fail",
  "doctor.runtime.not_used": "info",
  "doctor.runtime.bypassed": "fail",
  "doctor.runtime.not_listed": "warn",
  "doctor.runtime.docker_hub_only": "info",
  "doctor.runtime.other_mirror_first": "fail",
  "doctor.runtime.wrong_address": "fail",
  "doctor.runtime.login_past_peer": "warn",
  "doctor.runtime.restart_owed": "fail",
  "doctor.runtime.restart_unsure": "warn",
  "doctor.runtime.warning": "warn",
  "doctor.mirror.unreachable": "fail",
  "doctor.mirror.not_ours": "fail",
  "doctor.mirror.no_tls": "fail",
  "doctor.mirror.other_version": "warn",
  "doctor.daemon.not_ready": "fail",
  "doctor.daemon.health_unreachable": "warn",
  "doctor.daemon.metrics_unreachable": "warn",
  "doctor.daemon.socket_unreachable": "warn",
  "doctor.daemon.socket_denied": "info",
  "doctor.peers.upload_unreachable": "fail",
  "doctor.peers.pieces_unreachable": "fail",
  "doctor.peers.loopback": "warn",
  "doctor.disk.missing": "fail",
  "doctor.disk.read_only": "fail",
  "doctor.disk.denied": "info",
  "doctor.disk.full": "fail",
  "doctor.disk.low": "warn",
  "doctor.disk.quota": "warn",
  "doctor.descriptors.low": "warn",
  "doctor.registry.trust": "fail",
  "doctor.registry.certificate": "fail",
  "doctor.registry.plain_http": "fail",
  "doctor.registry.tls_expected": "fail",
  "doctor.registry.name": "fail",
  "doctor.registry.port": "fail",
  "doctor.registry.forbidden": "fail",
  "doctor.registry.unreachable": "fail",
  "doctor.registry.default_unreachable": "warn",
  "doctor.registry.not_a_registry": "warn",
  "doctor.registry.error": "warn",
  "doctor.registry.login": "info",
  "doctor.clock.skew": "warn",
  "doctor.clock.manager_skew": "warn",
  "doctor.manager.none": "info",
  "doctor.manager.name": "fail",
  "doctor.manager.tls": "fail",
  "doctor.manager.unreachable": "fail",
  "doctor.manager.dynconfig": "fail",
  "doctor.cluster.unknown": "fail",
  "doctor.cluster.by_default": "info",
  "doctor.cluster.second_best": "warn",
  "doctor.schedulers.none": "fail",
  "doctor.schedulers.unhealthy": "fail",
  "doctor.schedulers.some_unhealthy": "warn",
  "doctor.schedulers.host_unknown": "fail",
  "doctor.seed_peers.none": "warn",
  "doctor.seed_peers.unreachable": "warn",
  "doctor.fallback.counted": "warn",
  "doctor.fallback.unused": "info",
  "doctor.canary.image": "fail",
  "doctor.canary.login": "info",
  "doctor.canary.failed": "fail",
  "doctor.canary.fell_back": "fail",
  "doctor.canary.past_swarm": "fail",
} as const satisfies Record<string, Exclude<Level, "ok">>;

export type FindingId = keyof typeof FINDINGS;

/** What systemctl and journalctl call dfdaemon where it was installed as a service. */
export const SERVICE = serviceName("dfdaemon");

/** What a check came to. */
export interface Outcome {
  /** A {@link FindingId}, or `doctor.<what was looked at>` where all is well. */
  readonly id: string;
  readonly level: Level;
  /** What it is about: a runtime, a registry, an address. */
  readonly subject: string;
  readonly what: string;
  /** The command, or the key of a configuration, that mends it. */
  readonly mend?: string;
}

/** Something found. */
export function found(id: FindingId, subject: string, what: string, mend?: string): Outcome {
  return { id, level: FINDINGS[id], subject, what, ...(mend === undefined ? {} : { mend }) };
}

/** Something that is as it should be. */
export function well(id: `doctor.${string}`, subject: string, what: string): Outcome {
  return { id, level: "ok", subject, what };
}

/** The worst of some outcomes. */
export function worst(outcomes: readonly Outcome[]): Level {
  const ranks: readonly Level[] = ["ok", "info", "warn", "fail"];
  return ranks[Math.max(0, ...outcomes.map(({ level }) => ranks.indexOf(level)))] ?? "ok";
}
