/** What the manager says about a scheduler's cluster, as settings (wire.md §4.9, §5.5). */
import { parsePattern } from "../core/pattern.ts";
import * as z from "zod";
import type { Application, Scheduler } from "../rpc/gen/manager/v2/manager.ts";
import type { Log } from "../runtime/log.ts";
import type { ApplicationPriority, PriorityLevel, Settings } from "./core/settings.ts";

/** Applications that are looked at. */
const APPLICATIONS_MAX = 1_000;
/** Rules by URL of one application. */
const URL_RULES_MAX = 100;

const clusterConfig = z.looseObject({
  candidate_parent_limit: z.int().min(1).max(20).optional(),
  filter_parent_limit: z.int().min(10).max(1000).optional(),
});
const loadConfig = z.looseObject({ load_limit: z.int().min(1).max(100_000).optional() });

/** The limits that a row of the manager sets, over `base`. What cannot be read is logged and left as it is. */
export function limitsFromManager(base: Settings, scheduler: Scheduler, log: Log): Settings {
  const { schedulerCluster, seedPeers } = scheduler;
  const cluster = readJson(clusterConfig, schedulerCluster?.config, "config", log);
  const client = readJson(loadConfig, schedulerCluster?.clientConfig, "client_config", log);
  const seed = readJson(loadConfig, seedPeers[0]?.seedPeerCluster?.config, "config of the seed peer cluster", log);
  return {
    ...base,
    candidateParentsMax: cluster.candidate_parent_limit ?? base.candidateParentsMax,
    filterParentsMax: cluster.filter_parent_limit ?? base.filterParentsMax,
    hostUploadsMax: client.load_limit ?? base.hostUploadsMax,
    seedUploadsMax: seed.load_limit ?? base.seedUploadsMax,
  };
}

function readJson<T extends z.ZodType<object>>(schema: T, bytes: Uint8Array | undefined, name: string, log: Log) {
  if (bytes === undefined || bytes.length === 0) return schema.parse({});
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    log.warn("The manager's settings cannot be read and are left out", { name, error });
    return schema.parse({});
  }
}

/** The priority table; a rule whose pattern cannot be read is logged and left out. */
export function applicationsFromManager(applications: readonly Application[], log: Log): ApplicationPriority[] {
  return applications.slice(0, APPLICATIONS_MAX).flatMap(({ name, priority }) => {
    if (priority === undefined) return [];
    const urls = priority.urls.slice(0, URL_RULES_MAX).flatMap(({ regex, value }) => {
      try {
        return [{ pattern: parsePattern(regex), level: levelOf(value) }];
      } catch (error) {
        log.warn("The URL rule of an application cannot be read and is left out", { application: name, regex, error });
        return [];
      }
    });
    return [{ name, level: levelOf(priority.value), urls }];
  });
}

function levelOf(value: number): PriorityLevel {
  return value >= 0 && value <= 6 ? value as PriorityLevel : 0;
}
