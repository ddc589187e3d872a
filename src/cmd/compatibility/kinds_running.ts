/** Kinds that are looked up in programs that run: gRPC methods, HTTP routes, metrics. */
import { DfdaemonDownloadService, DfdaemonUploadService } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { ManagerService } from "../../rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { type Kind, present } from "./kind.ts";
import type { Finding } from "./judge.ts";
import type { MetricShape } from "./recording_metrics.ts";
import type { RunningCluster } from "./running_cluster.ts";

const SERVICES = [ManagerService, SchedulerService, DfdaemonUploadService, DfdaemonDownloadService];

/** gRPC methods; a section is a service, at a server. */
export function rpcs(running: RunningCluster): Kind {
  return {
    name: "rpcs",
    find: async ({ section, at }, name) => present(await running.serves(at, `/${section}/${name}`)),
    alone: ({ section }, things) => {
      const paths = SERVICES.flatMap((service) => Object.values(service)).map(({ path }) => path.split("/"));
      return paths.flatMap(([, service, method = ""]) =>
        service === section && !things.includes(method) ? [method] : []
      );
    },
  };
}

/** HTTP routes, `GET /path/{id}`; a section is a server. */
export function routes(running: RunningCluster): Kind {
  const ours = [...new Set(running.routes)];
  const served = new Set(ours.map(withoutNames));
  return {
    name: "routes",
    find: async ({ at }, name) => {
      if (at === "health" || at === "metrics" || at === "stats") return present(await running.answers(at, name));
      return present(at === "rest" && served.has(withoutNames(name)));
    },
    alone: ({ at }, things) => {
      const known = new Set(things.map(withoutNames));
      return at === "rest" ? ours.filter((route) => !known.has(withoutNames(route))) : [];
    },
  };
}

/** A route whatever its parameters are called and however they are marked. */
function withoutNames(route: string): string {
  return route.replaceAll(/\{[^}]*\}|:[^/]+/g, "{}");
}

/** Metrics with `[kind, label, …]`; a section is a component. */
export function metrics(running: RunningCluster): Kind {
  return {
    name: "metrics",
    find: ({ at }, name, fact) => {
      const shape = running.metricsOf(at).get(name);
      return shape === undefined ? { verdict: "no" } : comparedShape(shape, fact as readonly string[]);
    },
    alone: ({ at }, things) => [...running.metricsOf(at).keys()].filter((name) => !things.includes(name)),
  };
}

function comparedShape({ kind, labelNames }: MetricShape, [theirKind = "", ...labels]: readonly string[]): Finding {
  const missing = labels.filter((label) => !labelNames.includes(label));
  const differences = [
    ...kind === theirKind ? [] : [`a ${kind}, a ${theirKind} in Dragonfly`],
    ...missing.length === 0 ? [] : [`without the labels ${missing.join(", ")}`],
  ];
  return differences.length === 0 ? { verdict: "yes" } : { verdict: "differs", why: differences.join("; ") };
}
