import { SharedScripts } from "./shared_scripts.ts";
import { applicationRoutes } from "./applications.ts";
import { auditRoutes } from "./audits.ts";
import { clusterMatchRoutes } from "./cluster_match.ts";
import { clusterRoutes } from "./clusters.ts";
import { configRoutes } from "./configs.ts";
import type { RestOptions } from "./context.ts";
import { JobRateLimit, type JobRateLimiter } from "./job_rate_limit.ts";
import { jobRoutes } from "./jobs.ts";
import { legacyPreheatRoutes } from "./legacy_preheats.ts";
import { oauthRoutes } from "./oauth.ts";
import { oauthProviderRoutes } from "./oauth_providers.ts";
import { overviewRoutes } from "./overview.ts";
import { peerRoutes } from "./peers.ts";
import { persistentCacheTaskRoutes } from "./persistent_cache_tasks.ts";
import { roleRoutes } from "./roles.ts";
import { pullRoutes } from "./pulls.ts";
import type { Route } from "./route.ts";
import { savingsRoutes } from "./savings.ts";
import { schedulerClusterRoutes } from "./scheduler_clusters.ts";
import { schedulerRoutes } from "./schedulers.ts";
import { seedPeerClusterRoutes } from "./seed_peer_clusters.ts";
import { seedPeerRoutes } from "./seed_peers.ts";
import { sessionRoutes } from "./session.ts";
import { signInRoutes } from "./sign_in.ts";
import { SharedJobRateLimit } from "./shared_job_rate_limit.ts";
import { SharedSignInLimits } from "./shared_sign_in_limits.ts";
import { type SignInLimiter, SignInLimits } from "./sign_in_limits.ts";
import { swarmRoutes } from "./swarms.ts";
import { tokenRoutes } from "./tokens.ts";
import { userRoutes } from "./users.ts";
import { warmImageRoutes } from "./warm_images.ts";

/**
 * What rights can be given for: the groups of routes below `/api/v1`, by their first path segment. Warm images are jobs
 * to come, and go by the rights for jobs; savings and the overview are what clusters did, and go by
 * the rights for those.
 */
export const API_GROUPS = [
  ...["applications", "audits", "clusters", "configs", "jobs", "oauth", "peers", "permissions"],
  ...["persistent-cache-tasks", "personal-access-tokens", "roles", "scheduler-clusters", "scheduler-features"],
  ...["schedulers", "seed-peer-clusters", "seed-peers", "users"],
] as const;

/** All routes of the API; of two that fit a path, the first answers. */
export function apiRoutes(options: RestOptions): Route[] {
  const { limits, jobRate } = limitsOf(options);
  return [
    ...signInRoutes({ ...options, limits }),
    ...sessionRoutes(options),
    ...oauthRoutes(options),
    ...userRoutes(options),
    ...roleRoutes(options, API_GROUPS),
    ...oauthProviderRoutes(options),
    ...clusterMatchRoutes(options),
    ...swarmRoutes(options),
    ...pullRoutes(options),
    ...clusterRoutes(options, "/api/v1", { kind: "role", object: "clusters" }),
    ...clusterRoutes(options, "/oapi/v1", { kind: "token", scope: "cluster" }),
    ...overviewRoutes(options),
    ...savingsRoutes(options, "/api/v1", { kind: "role", object: "clusters" }),
    ...savingsRoutes(options, "/oapi/v1", { kind: "token", scope: "cluster" }),
    ...schedulerClusterRoutes(options),
    ...seedPeerClusterRoutes(options),
    ...schedulerRoutes(options),
    ...seedPeerRoutes(options),
    ...peerRoutes(options),
    ...applicationRoutes(options),
    ...configRoutes(options),
    ...jobRoutes(options, "/api/v1", { kind: "role", object: "jobs" }, jobRate),
    ...jobRoutes(options, "/oapi/v1", { kind: "token", scope: "job" }, jobRate),
    ...warmImageRoutes(options, "/api/v1", { kind: "role", object: "jobs" }),
    ...warmImageRoutes(options, "/oapi/v1", { kind: "token", scope: "job" }),
    ...options.legacyPreheats === undefined ? [] : legacyPreheatRoutes(options, options.legacyPreheats),
    ...tokenRoutes(options),
    ...persistentCacheTaskRoutes(options),
    ...auditRoutes(options),
  ];
}

/** What limits sign-ins and jobs: this manager alone, or with Redis all managers together. */
function limitsOf({ clock, log, redis }: RestOptions): { limits: SignInLimiter; jobRate: JobRateLimiter } {
  const own = { limits: new SignInLimits(clock), jobRate: new JobRateLimit(clock) };
  if (redis === undefined) return own;
  const scripts = new SharedScripts({ redis, clock, log });
  return {
    limits: new SharedSignInLimits(scripts, own.limits),
    jobRate: new SharedJobRateLimit(scripts, own.jobRate),
  };
}
