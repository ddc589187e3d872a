import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import { Changes } from "../changes.ts";
import type { Application, ApplicationFilter } from "../applications.ts";
import type { Config, ConfigFilter } from "../configs.ts";
import type { OauthProvider, OauthProviderFilter } from "../oauth_providers.ts";
import type { Store } from "../store.ts";
import type { Token, TokenFilter } from "../tokens.ts";
import { ClusterTables } from "./cluster_tables.ts";
import type { SqlContext } from "./context.ts";
import type { SqlDatabase } from "./database.ts";
import { migrate, type MigrateOptions } from "./migrate.ts";
import { APPLICATIONS, CONFIGS, OAUTH_PROVIDERS, SCHEDULERS, SEED_PEERS, TOKENS } from "./schema.ts";
import { SqlAudits } from "./sql_audits.ts";
import { sqlSchedulerClusters, sqlSeedPeerClusters } from "./sql_cluster_halves.ts";
import { SqlClusters } from "./sql_clusters.ts";
import { SqlJobQueue } from "./sql_job_queue.ts";
import { SqlJobs } from "./sql_jobs.ts";
import { SqlPeers } from "./sql_peers.ts";
import { SqlRepository } from "./sql_repository.ts";
import { SqlRoles } from "./sql_roles.ts";
import { SqlSecrets } from "./sql_secrets.ts";
import { SqlServices } from "./sql_services.ts";
import { SqlTraffic } from "./sql_traffic.ts";
import { SqlTurns } from "./sql_turns.ts";
import { SqlUsers } from "./sql_users.ts";
import { SqlWarmHosts } from "./sql_warm_hosts.ts";
import { SqlWarmImages } from "./sql_warm_images.ts";

/** How long a manager may not know what another one wrote to their database. */
const OTHERS_UNSEEN_MAX_MS = 2_000;

/** What a store takes from outside. */
export interface SqlStoreOptions extends Omit<MigrateOptions, "clock"> {
  readonly clock: Clock;
  readonly log: Log;
}

/** The store in an open database, which it brings up to date and closes. Fails as {@link migrate} does. */
export async function createSqlStore(database: SqlDatabase, options: SqlStoreOptions): Promise<Store> {
  try {
    await migrate(database, options);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
  return storeOf({ database, clock: options.clock, log: options.log, changes: new Changes() });
}

function storeOf(context: SqlContext): Store {
  const clusterTables = new ClusterTables(context);
  const { database, clock, changes } = context;
  const others = database.isShared ? clock.every(OTHERS_UNSEEN_MAX_MS, () => changes.tell({ kind: "any" })) : undefined;
  return {
    changes,
    users: new SqlUsers(context),
    roles: new SqlRoles(context),
    tokens: new SqlTokens(context, TOKENS),
    oauthProviders: new SqlOauthProviders(context, OAUTH_PROVIDERS),
    secrets: new SqlSecrets(context),
    clusters: new SqlClusters(context, clusterTables),
    schedulerClusters: sqlSchedulerClusters(context, clusterTables),
    seedPeerClusters: sqlSeedPeerClusters(context, clusterTables),
    schedulers: new SqlServices(context, SCHEDULERS, { clusterTable: "scheduler_cluster", change: "schedulers" }),
    seedPeers: new SqlServices(context, SEED_PEERS, { clusterTable: "seed_peer_cluster", change: "seed_peers" }),
    peers: new SqlPeers(context),
    applications: new SqlRepository<Application, ApplicationFilter>(context, APPLICATIONS, { kind: "applications" }),
    configs: new SqlConfigs(context, CONFIGS),
    jobs: new SqlJobs(context),
    jobQueue: new SqlJobQueue(context),
    turns: new SqlTurns(context),
    traffic: new SqlTraffic(context),
    audits: new SqlAudits(context),
    warmImages: new SqlWarmImages(context),
    warmHosts: new SqlWarmHosts(context),
    [Symbol.asyncDispose]() {
      others?.[Symbol.dispose]();
      return database[Symbol.asyncDispose]();
    },
  };
}

class SqlTokens extends SqlRepository<Token, TokenFilter> {
  findByHash(tokenHash: string): Promise<Token | undefined> {
    return this.find({ tokenHash });
  }
}

class SqlOauthProviders extends SqlRepository<OauthProvider, OauthProviderFilter> {
  findByName(name: string): Promise<OauthProvider | undefined> {
    return this.find({ name });
  }
}

class SqlConfigs extends SqlRepository<Config, ConfigFilter> {
  findByName(name: string): Promise<Config | undefined> {
    return this.find({ name });
  }
}
