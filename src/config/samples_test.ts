import { deepEqual, equal } from "node:assert/strict";
import type * as z from "zod";
import { DfdaemonConfig } from "./dfdaemon.ts";
import { DfinitConfig } from "./dfinit.ts";
import { parseConfig } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { databaseKind } from "./manager_database.ts";
import { PeerDynconfig } from "./peer_dynconfig.ts";
import { redisServersOf } from "./redis.ts";
import { SchedulerConfig } from "./scheduler.ts";

function load<S extends z.ZodObject>(schema: S, name: string) {
  return parseConfig(schema, Deno.readTextFileSync(new URL(`testdata/${name}.yaml`, import.meta.url)), `${name}.yaml`);
}

/** `key: first words` of each warning, without its place. */
function brief(warnings: readonly string[]): string[] {
  return warnings.map((line) => /'(.*?)' (is read as|has no effect)/.exec(line)?.slice(1).join(" ") ?? line);
}

Deno.test("a manager.yaml in the manner of Dragonfly's chart loads", () => {
  const { config, warnings } = load(ManagerConfig, "manager");
  equal(config.auth.jwt.timeout, 48 * 3_600_000);
  equal(config.metrics.enable, true);
  equal(databaseKind(config.database), "mysql");
  deepEqual(redisServersOf(config.database.redis), {
    kind: "single",
    addrs: [{ hostname: "dragonfly-redis-master", port: 6379 }],
  });
  deepEqual(brief(warnings), ["cache has no effect"]);
});

Deno.test("a scheduler.yaml in the manner of Dragonfly's chart loads", () => {
  const { config, warnings } = load(SchedulerConfig, "scheduler");
  deepEqual(config.manager.addr, {
    hostname: "dragonfly-manager.dragonfly-system.svc.cluster.local",
    port: 65003,
    tls: false,
  });
  equal(config.scheduler.retryInterval, 2000);
  deepEqual(brief(warnings), ["dynConfig is read as"]);
});

Deno.test("a dfdaemon.yaml in the manner of Dragonfly's chart loads, its misspelt keys included", () => {
  const { config, warnings } = load(DfdaemonConfig, "dfdaemon");
  equal(config.gc.policy.diskHighThresholdPercent, 90);
  equal(config.download.concurrentPieceCount, 16);
  equal(config.proxy.registryMirror.upstreams[1]?.ca, "/etc/ssl/corp.pem");
  deepEqual(brief(warnings).toSorted(), [
    "download.pieceTimeout has no effect",
    "download.server.requestbufferSize is read as",
    "gc.policy.distHighThresholdPercent is read as",
    "gc.policy.distLowThresholdPercent is read as",
    "upload.server.requestbufferSize is read as",
  ]);
});

Deno.test("a dfinit.yaml in the manner of Dragonfly's chart loads without a warning", () => {
  const { config, warnings } = load(DfinitConfig, "dfinit");
  deepEqual(config.containerRuntime?.containerd?.registries.map(({ serverAddr }) => serverAddr), [
    "https://index.docker.io",
    "https://ghcr.io",
  ]);
  deepEqual(warnings, []);
});

Deno.test("a dynconfig.yaml with schedulers by name and by address loads without a warning", () => {
  const { config, warnings } = load(PeerDynconfig, "dynconfig");
  deepEqual(config.scheduler, {
    addr: { hostname: "dragonfly-scheduler", port: 8002 },
    addrs: [{ hostname: "10.0.0.1", port: 8002 }, { hostname: "fd00::1", port: 8002 }],
  });
  deepEqual(warnings, []);
});
