/** Where each page of the console is, as the router writes it. The manager answers all of them with the first page. */
export const PATHS = {
  swarms: "/swarms",
  swarm: "/swarms/:id/:task",
  pulls: "/pulls",
  home: "/",
  signIn: "/signin",
  signUp: "/signup",
  clusters: "/clusters",
  clusterNew: "/clusters/new",
  cluster: "/clusters/:id",
  clusterEdit: "/clusters/:id/edit",
  schedulers: "/clusters/:id/schedulers",
  scheduler: "/clusters/:id/schedulers/:schedulerId",
  seedPeers: "/clusters/:id/seed-peers",
  seedPeer: "/clusters/:id/seed-peers/:seedPeerId",
  peers: "/clusters/:id/peers",
  match: "/match",
  preheats: "/jobs/preheats",
  preheatNew: "/jobs/preheats/new",
  preheat: "/jobs/preheats/:id",
  tokens: "/developer/personal-access-tokens",
  tokenNew: "/developer/personal-access-tokens/new",
  gcJob: "/gc/job",
  gcAudit: "/gc/audit",
  audit: "/audit",
  users: "/users",
  userNew: "/users/new",
  profile: "/profile",
  savings: "/savings",
  taskClear: "/resource/task/clear",
  taskExecutions: "/resource/task/executions",
  taskExecution: "/resource/task/executions/:id",
  cacheTasks: "/resource/persistent-cache-task",
  cacheTask: "/resource/persistent-cache-task/:clusterId/:id",
} as const;

/** `/clusters/:id` with its parts filled in. */
export function pathTo(path: string, parts: Readonly<Record<string, string | number>>): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(parts[name] ?? "")));
}
