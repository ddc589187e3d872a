import type { ComponentType } from "react";
import { createBrowserRouter, type RouteObject } from "react-router";
import { BrokenPage } from "./frame/broken_page.tsx";
import { Frame } from "./frame/frame.tsx";
import { NotFoundPage } from "./frame/not_found_page.tsx";
import { PATHS } from "./paths.ts";

type Page = () => Promise<{ readonly default: ComponentType }>;

/** Pages that nobody has to be signed in for. */
const DOORS: Partial<Record<keyof typeof PATHS, Page>> = {
  signIn: () => import("./door/sign_in_page.tsx"),
  signUp: () => import("./door/sign_up_page.tsx"),
};

/** All other pages, each loaded when somebody goes there. */
const PAGES: Record<Exclude<keyof typeof PATHS, "signIn" | "signUp">, Page> = {
  swarms: () => import("./swarm/swarms_page.tsx"),
  swarm: () => import("./swarm/swarm_page.tsx"),
  pulls: () => import("./pulls/pulls_page.tsx"),
  home: () => import("./overview/overview_page.tsx"),
  clusters: () => import("./clusters/clusters_page.tsx"),
  clusterNew: () => import("./clusters/cluster_new_page.tsx"),
  cluster: () => import("./clusters/cluster_page.tsx"),
  clusterEdit: () => import("./clusters/cluster_edit_page.tsx"),
  schedulers: () => import("./services/schedulers_page.tsx"),
  scheduler: () => import("./services/scheduler_page.tsx"),
  seedPeers: () => import("./services/seed_peers_page.tsx"),
  seedPeer: () => import("./services/seed_peer_page.tsx"),
  peers: () => import("./peers/peers_page.tsx"),
  match: () => import("./match/match_page.tsx"),
  preheats: () => import("./jobs/preheats_page.tsx"),
  preheatNew: () => import("./jobs/preheat_new_page.tsx"),
  preheat: () => import("./jobs/preheat_page.tsx"),
  tokens: () => import("./tokens/tokens_page.tsx"),
  tokenNew: () => import("./tokens/token_new_page.tsx"),
  gcJob: () => import("./gc/gc_job_page.tsx"),
  gcAudit: () => import("./gc/gc_audit_page.tsx"),
  audit: () => import("./audit/audit_page.tsx"),
  users: () => import("./users/users_page.tsx"),
  userNew: () => import("./users/user_new_page.tsx"),
  profile: () => import("./profile/profile_page.tsx"),
  savings: () => import("./savings/savings_page.tsx"),
  taskClear: () => import("./tasks/task_clear_page.tsx"),
  taskExecutions: () => import("./tasks/executions_page.tsx"),
  taskExecution: () => import("./tasks/execution_page.tsx"),
  cacheTasks: () => import("./persistent_cache/cache_tasks_page.tsx"),
  cacheTask: () => import("./persistent_cache/cache_task_page.tsx"),
};

function routesOf(pages: Partial<Record<keyof typeof PATHS, Page>>): RouteObject[] {
  return Object.entries(pages).map(([name, load]) => ({
    path: PATHS[name as keyof typeof PATHS],
    lazy: async () => ({ Component: (await load()).default }),
    ErrorBoundary: BrokenPage,
  }));
}

/** The console as its router knows it. */
export function createRouter() {
  return createBrowserRouter([{
    ErrorBoundary: BrokenPage,
    HydrateFallback: () => null,
    children: [
      ...routesOf(DOORS),
      {
        Component: Frame,
        ErrorBoundary: BrokenPage,
        children: [...routesOf(PAGES), { path: "*", Component: NotFoundPage }],
      },
    ],
  }]);
}
