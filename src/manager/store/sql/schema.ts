/** Where the records lie: Dragonfly's tables and columns (manager-rest.md §2), and what we add to them. */
import * as z from "zod";
import type { Application } from "../applications.ts";
import type { Audit } from "../audits.ts";
import type { SchedulerCluster, SeedPeerCluster } from "../clusters.ts";
import type { Config } from "../configs.ts";
import type { Job } from "../jobs.ts";
import { boundedKeepAliveIntervalMs, millisecondsOfNanoseconds, nanosecondsOfMilliseconds } from "../liveness.ts";
import type { OauthProvider } from "../oauth_providers.ts";
import type { PeerRecord } from "../peers.ts";
import {
  ApplicationPriority,
  BlockListConfig,
  JsonObject,
  PeerClusterConfig,
  SchedulerClusterConfig,
  Scopes,
  SeedPeerClusterConfig,
} from "../records.ts";
import type { SchedulerRecord, SeedPeerRecord } from "../services.ts";
import type { Token } from "../tokens.ts";
import type { User } from "../users.ts";
import type { WarmHost } from "../warm_hosts.ts";
import type { WarmImage } from "../warm_images.ts";
import { choice, flag, integer, json, longText, mapped, reference, text, time } from "./columns.ts";
import type { TableSpec } from "./table.ts";

const STATES = ["active", "inactive"] as const;
const TEXTS = z.array(z.string());
const IDS = z.array(z.int());
/** What a scheduler can do whose row does not say. */
const FEATURES_ABSENT = ["schedule", "preheat"];

export const USERS: TableSpec<User> = {
  name: "user",
  label: "user",
  columns: {
    name: text("name"),
    email: text("email"),
    passwordHash: text("encrypted_password", 1024),
    state: choice("state", ["enable", "disable"]),
    avatar: text("avatar"),
    phone: text("phone"),
    location: text("location"),
    bio: text("bio"),
  },
  unique: { uk_user_name: ["name"], uk_user_email: ["email"] },
};

export const TOKENS: TableSpec<Token> = {
  name: "personal_access_token",
  label: "personal access token",
  columns: {
    name: text("name"),
    bio: text("bio", 1024),
    tokenHash: text("token"),
    scopes: json("scopes", TEXTS, []),
    state: choice("state", STATES),
    expiredAtMs: time("expired_at"),
    userId: reference("user_id"),
  },
  unique: { uk_personal_access_token_name: ["name"], uk_personal_access_token: ["tokenHash"] },
};

export const OAUTH_PROVIDERS: TableSpec<OauthProvider> = {
  name: "oauth",
  label: "OAuth provider",
  columns: {
    name: text("name"),
    bio: text("bio", 1024),
    clientId: text("client_id"),
    clientSecret: text("client_secret", 1024),
    redirectUrl: text("redirect_url", 1024),
  },
  unique: { uk_oauth2_name: ["name"], uk_oauth2_client_id: ["clientId"] },
};

/** A scheduler cluster without its links, which lie in a table of their own. */
export type SchedulerClusterRow = Omit<SchedulerCluster, "seedPeerClusterIds">;

export const SCHEDULER_CLUSTERS: TableSpec<SchedulerClusterRow> = {
  name: "scheduler_cluster",
  label: "cluster",
  columns: {
    name: text("name"),
    bio: text("bio", 1024),
    config: json("config", SchedulerClusterConfig, {}),
    clientConfig: json("client_config", PeerClusterConfig, {}),
    seedClientConfig: json("seed_client_config", BlockListConfig, {}),
    scopes: json("scopes", Scopes, {}),
    isDefault: flag("is_default"),
  },
  unique: { uk_scheduler_cluster_name: ["name"] },
};

/** A seed peer cluster without its links. */
export type SeedPeerClusterRow = Omit<SeedPeerCluster, "schedulerClusterIds">;

export const SEED_PEER_CLUSTERS: TableSpec<SeedPeerClusterRow> = {
  name: "seed_peer_cluster",
  label: "seed peer cluster",
  columns: {
    name: text("name"),
    bio: text("bio", 1024),
    config: json("config", SeedPeerClusterConfig, {}),
  },
  unique: { uk_seed_peer_cluster_name: ["name"] },
};

const SCHEDULER_CONFIG = z.object({ manager_keep_alive_interval: z.number().optional() });

export const SCHEDULERS: TableSpec<SchedulerRecord> = {
  name: "scheduler",
  label: "scheduler",
  columns: {
    hostname: text("host_name"),
    ip: text("ip"),
    clusterId: reference("scheduler_cluster_id"),
    port: integer("port"),
    idc: text("idc", 1024),
    location: text("location", 1024),
    features: json("features", TEXTS, FEATURES_ABSENT),
    keepAliveIntervalMs: mapped(json("config", SCHEDULER_CONFIG, {}), {
      store: (ms: number) => ({ manager_keep_alive_interval: nanosecondsOfMilliseconds(ms) }),
      load: ({ manager_keep_alive_interval = 0 }) =>
        boundedKeepAliveIntervalMs(millisecondsOfNanoseconds(manager_keep_alive_interval)),
    }),
    state: choice("state", STATES),
    lastKeepAliveAtMs: time("last_keep_alive_at"),
  },
  unique: { uk_scheduler: ["hostname", "ip", "clusterId"] },
};

export const SEED_PEERS: TableSpec<SeedPeerRecord> = {
  name: "seed_peer",
  label: "seed peer",
  columns: {
    hostname: text("host_name"),
    ip: text("ip"),
    clusterId: reference("seed_peer_cluster_id"),
    type: text("type"),
    port: integer("port"),
    downloadPort: integer("download_port"),
    objectStoragePort: integer("object_storage_port"),
    idc: text("idc", 1024),
    location: text("location", 1024),
    state: choice("state", STATES),
    lastKeepAliveAtMs: time("last_keep_alive_at"), // ours: Dragonfly only knows it of schedulers
  },
  unique: { uk_seed_peer: ["hostname", "ip", "clusterId"] },
};

export const PEERS: TableSpec<PeerRecord> = {
  name: "peer",
  label: "peer",
  columns: {
    hostname: text("host_name"),
    ip: text("ip"),
    clusterId: reference("scheduler_cluster_id"),
    type: text("type"),
    idc: text("idc", 1024),
    location: text("location", 1024),
    port: integer("port"),
    downloadPort: integer("download_port"),
    proxyPort: integer("proxy_port"),
    objectStoragePort: integer("object_storage_port"),
    state: choice("state", STATES),
    os: text("os"),
    platform: text("platform"),
    platformFamily: text("platform_family"),
    platformVersion: text("platform_version"),
    kernelVersion: text("kernel_version"),
    gitVersion: text("git_version"),
    gitCommit: text("git_commit"),
    buildPlatform: text("build_platform"),
  },
  unique: { uk_peer: ["hostname", "ip", "clusterId"] },
  indexes: { idx_peer_type: ["type"], idx_peer_git_version: ["gitVersion"], idx_peer_git_commit: ["gitCommit"] },
};

export const APPLICATIONS: TableSpec<Application> = {
  name: "application",
  label: "application",
  columns: {
    name: text("name"),
    url: longText("url"),
    bio: text("bio", 1024),
    priority: json("priority", ApplicationPriority, { value: 0 }),
    userId: reference("user_id"),
  },
  unique: { uk_application_name: ["name"] },
};

export const CONFIGS: TableSpec<Config> = {
  name: "config",
  label: "config",
  columns: { name: text("name"), value: text("value", 1024), bio: text("bio", 1024), userId: reference("user_id") },
  unique: { uk_config_name: ["name"] },
};

/** A job without its clusters. */
export type JobRow = Omit<Job, "schedulerClusterIds" | "seedPeerClusterIds">;

export const JOBS: TableSpec<JobRow> = {
  name: "job",
  label: "job",
  columns: {
    taskId: text("task_id"),
    bio: text("bio", 1024),
    type: text("type"),
    state: choice("state", ["RECEIVED", "STARTED", "RETRY", "SUCCESS", "FAILURE", "PENDING"]),
    args: json("args", JsonObject, {}),
    result: json("task_result", JsonObject, {}),
    userId: reference("user_id"),
  },
  unique: {},
  indexes: { idx_job_created_at: ["createdAtMs"] },
  newestFirst: true,
};

export const AUDITS: TableSpec<Audit> = {
  name: "audit",
  label: "audit",
  columns: {
    actorType: choice("actor_type", ["USER", "PAT", "UNKNOWN"]),
    actorName: text("actor_name"),
    eventType: text("event_type", 100),
    operation: text("operation"),
    operatedAtMs: time("operated_at"),
    state: choice("state", ["SUCCESS", "FAILURE"]),
    path: text("path", 1024),
    statusCode: integer("status_code"),
    detail: json("detail", JsonObject, {}),
  },
  unique: {},
  indexes: { idx_audit_created_at: ["createdAtMs"] },
  newestFirst: true,
};

/** Ours: Dragonfly preheats only when it is told to. */
export const WARM_IMAGES: TableSpec<WarmImage> = {
  name: "damselfly_warm_image",
  label: "warm image",
  columns: {
    name: text("name"),
    bio: text("bio", 1024),
    args: json("args", JsonObject, {}),
    sealedArgs: longText("sealed_args"),
    userId: reference("user_id"),
    schedulerClusterIds: json("scheduler_cluster_ids", IDS, []),
    cron: text("cron"),
    timeZone: text("time_zone"),
    followIntervalMs: integer("follow_interval_ms"),
    onJoin: flag("on_join"),
    isPaused: flag("is_paused"),
    revision: integer("revision"),
    dueAtMs: time("due_at"),
    runAtMs: time("run_at"),
    checkAtMs: time("check_at"),
    declaredAtMs: time("declared_at"),
    jobId: reference("job_id"),
    jobIds: json("job_ids", IDS, []),
    lastRunAtMs: time("last_run_at"),
    lastState: choice("last_state", ["PENDING", "SUCCESS", "FAILURE", ""]),
    runError: longText("run_error"),
    runFailures: integer("run_failures"),
    skipped: integer("skipped"),
    seenDigest: text("seen_digest"),
    warmDigest: text("warm_digest"),
    checkError: longText("check_error"),
    checkFailures: integer("check_failures"),
  },
  unique: { uk_damselfly_warm_image_name: ["name"] },
  indexes: { idx_damselfly_warm_image_due_at: ["dueAtMs"] },
};

export const WARM_HOSTS: TableSpec<WarmHost> = {
  name: "damselfly_warm_host",
  label: "warm host",
  columns: {
    hostname: text("host_name"),
    ip: text("ip"),
    clusterId: reference("scheduler_cluster_id"),
    warmedAtMs: time("warmed_at"),
    nextAtMs: time("next_at"),
    failures: integer("failures"),
    error: longText("error"),
    missingSinceMs: time("missing_since"),
  },
  unique: { uk_damselfly_warm_host: ["hostname", "ip", "clusterId"] },
  indexes: { idx_damselfly_warm_host_cluster: ["clusterId"] },
};
