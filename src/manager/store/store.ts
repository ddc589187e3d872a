import type { ApplicationStore } from "./applications.ts";
import type { AuditStore } from "./audits.ts";
import type { ChangeFeed } from "./changes.ts";
import type { ClusterStore, SchedulerClusterStore, SeedPeerClusterStore } from "./clusters.ts";
import type { ConfigStore } from "./configs.ts";
import type { JobQueue } from "./job_queue.ts";
import type { JobStore } from "./jobs.ts";
import type { OauthProviderStore } from "./oauth_providers.ts";
import type { PeerStore } from "./peers.ts";
import type { RoleStore } from "./roles.ts";
import type { SecretStore } from "./secrets.ts";
import type { SchedulerStore, SeedPeerStore } from "./services.ts";
import type { TokenStore } from "./tokens.ts";
import type { TrafficStore } from "./traffic.ts";
import type { TurnStore } from "./turns.ts";
import type { UserStore } from "./users.ts";
import type { WarmHostStore } from "./warm_hosts.ts";
import type { WarmImageStore } from "./warm_images.ts";

/** What the manager remembers. */
export interface Store extends AsyncDisposable {
  /**
   * Tells of writes that peers can see; not of a keep-alive of a service that was live before. Where others write to
   * the same database it says every two seconds that they may have.
   */
  readonly changes: ChangeFeed;
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly tokens: TokenStore;
  readonly oauthProviders: OauthProviderStore;
  readonly secrets: SecretStore;
  readonly clusters: ClusterStore;
  readonly schedulerClusters: SchedulerClusterStore;
  readonly seedPeerClusters: SeedPeerClusterStore;
  readonly schedulers: SchedulerStore;
  readonly seedPeers: SeedPeerStore;
  readonly peers: PeerStore;
  readonly applications: ApplicationStore;
  readonly configs: ConfigStore;
  readonly jobs: JobStore;
  readonly jobQueue: JobQueue;
  readonly turns: TurnStore;
  readonly traffic: TrafficStore;
  readonly audits: AuditStore;
  readonly warmImages: WarmImageStore;
  readonly warmHosts: WarmHostStore;
}
