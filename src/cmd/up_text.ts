import { join } from "node:path";
import { formatHostPort } from "../config/addresses.ts";
import type { LocalCluster } from "./local_cluster.ts";
import { socketPathOf } from "./local_cluster_settings.ts";
import type { UpFlags } from "./up_options.ts";

/** What one needs to know to use a running cluster. */
export function upText(cluster: LocalCluster, flags: UpFlags, dir: string): string {
  const { manager, scheduler, seed, peers } = cluster;
  const mirrors = peers.map((peer, index) => [`peer ${index + 1}`, peer] as const);
  const rows = [
    ["console", `http://${formatHostPort(manager.rest)}`],
    ["manager", `gRPC ${formatHostPort(manager.grpc)}   REST http://${formatHostPort(manager.rest)}`],
    ["scheduler", `gRPC ${formatHostPort(scheduler)}`],
    ...[["seed peer", seed] as const, ...mirrors].map(([name, { mirror, metrics }]) => [
      name,
      `mirror http://${formatHostPort(mirror)}   metrics http://${formatHostPort(metrics)}/metrics`,
    ]),
    ["files", flags.dataDir === undefined ? `${dir} (removed at the end)` : dir],
    ["logs", join(dir, "logs")],
  ];
  const mirror = peers[0]?.mirror ?? seed.mirror;
  const socket = socketPathOf(dir, peers.length > 0 ? "peer-1" : "seed");
  return [
    "The cluster is running; Ctrl-C stops it.\n",
    ...rows.map(([name = "", what = ""]) => `  ${name.padEnd(10)} ${what}`),
    "\nTo pull through peer 1, give containerd this hosts.toml, below the config_path of its registry configuration",
    "as _default/hosts.toml for all registries, or as <registry>/hosts.toml for one:\n",
    indent(hostsToml(formatHostPort(mirror))),
    ...flags.insecureRegistry.map((registry) =>
      `  ${registry}/hosts.toml also needs, at its top:  server = "http://${registry}"`
    ),
    `\nTo download a file through ${peers.length > 0 ? "peer 1" : "the seed peer"}:\n`,
    indent(`deno task dfget <url> -O <file> --endpoint ${socket}`),
    "\nTo sign in to the console and REST (root, password dragonfly unless DRAGONFLY_INITIAL_ROOT_PASSWORD was set):\n",
    indent(`curl -X POST http://${formatHostPort(manager.rest)}/api/v1/users/signin \\
  -H 'content-type: application/json' -d '{"name":"root","password":"dragonfly"}'`),
    "",
  ].join("\n");
}

function hostsToml(mirror: string): string {
  return `[host."http://${mirror}"]\n  capabilities = ["pull", "resolve"]\n`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
