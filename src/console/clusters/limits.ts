/** The limits of a cluster, and what they may be; what is left empty is the default. */
export const LIMITS = [
  { field: "seedPeerLoadLimit", table: "seed_peer_cluster_config", key: "load_limit", min: 1, max: 50_000 },
  { field: "peerLoadLimit", table: "peer_cluster_config", key: "load_limit", min: 1, max: 2_000 },
  { field: "candidateParentLimit", table: "scheduler_cluster_config", key: "candidate_parent_limit", min: 1, max: 20 },
  { field: "filterParentLimit", table: "scheduler_cluster_config", key: "filter_parent_limit", min: 10, max: 1_000 },
  { field: "jobRateLimit", table: "scheduler_cluster_config", key: "job_rate_limit", min: 1, max: 1_000_000 },
] as const;
