import { type Command, Option } from "commander";
import * as z from "zod";
import { readAs, sayDone, type ShowFlags, shownList, shownTime } from "./answers.ts";
import type { Choose } from "./context.ts";
import { listVerb, noun, repeated, verb } from "./leaf.ts";
import type { ManagerClient } from "./manager_client.ts";
import { idOf, idsOf, showList, withManager } from "./with_manager.ts";

/** The manager answers when all schedulers have; it gives up after so long itself, as it comes. */
const SYNC_TIMEOUT_MS = 10 * 60_000;

const place = {
  id: z.int(),
  host_name: z.string(),
  ip: z.string(),
  port: z.int(),
  state: z.string(),
  idc: z.string(),
  location: z.string(),
};
const Scheduler = z.object({
  ...place,
  features: z.array(z.string()).nullable(),
  last_keep_alive_at: z.string(),
  scheduler_cluster_id: z.int(),
});
const SeedPeer = z.object({ ...place, download_port: z.int(), seed_peer_cluster_id: z.int() });
const Peer = z.object({ ...place, type: z.string(), git_version: z.string(), scheduler_cluster_id: z.int() });
const ClusterHalves = z.object({ seed_peer_cluster_id: z.int() });

interface Flags extends ShowFlags {
  readonly limit: number;
  readonly state?: string;
  readonly cluster?: string;
  readonly ip?: string;
  readonly hostname?: string;
}

/** `scheduler list`, `seed-peer list`, `peer list` and `peer sync`: what the manager knows of the parts of clusters. */
export function instanceCommands(choose: Choose): Command[] {
  const schedulers = listing("Lists schedulers, and which are alive.").action((flags: Flags) =>
    choose((context) => showList(context, flags, schedulerList(flags)))
  );
  const seedPeers = listing("Lists seed peers, and which are alive.").action((flags: Flags) =>
    choose((context) => showList(context, flags, seedPeerList(flags)))
  );
  const peers = listing("Lists peers as their schedulers reported them last, which they do once a day; see sync.")
    .action((flags: Flags) => choose((context) => showList(context, flags, peerList(flags))));
  return [
    noun("scheduler", "Schedulers of clusters.", [schedulers]),
    noun("seed-peer", "Seed peers of clusters.", [seedPeers]),
    noun("peer", "Peers of clusters.", [peers, syncing(choose)]),
  ];
}

/** The manager asks all schedulers by itself too, every `job.syncPeers.interval`. */
function syncing(choose: Choose): Command {
  const sync = verb("sync", "Has the schedulers report their peers now.")
    .addOption(repeated("--cluster <cluster>", "id or name of a cluster; may be repeated; all when left out", String));
  return sync.action((flags: ShowFlags & { cluster?: readonly string[] }) =>
    choose(async (context) => {
      await withManager(context, async (manager) => {
        const scheduler_cluster_ids = await idsOf(manager, "clusters", flags.cluster ?? []);
        const body = { type: "sync_peers", args: {}, scheduler_cluster_ids };
        await manager.send("POST", "jobs", { body, timeoutMs: SYNC_TIMEOUT_MS });
      });
      sayDone(context, flags, "The schedulers have reported their peers.");
    })
  );
}

function listing(description: string): Command {
  return listVerb(description)
    .addOption(new Option("--state <state>", "only those in this state").choices(["active", "inactive"]))
    .option("--cluster <cluster>", "only those of the cluster with this id or name")
    .option("--ip <address>", "only those with this address")
    .option("--hostname <name>", "only those with this host name");
}

function schedulerList(flags: Flags) {
  const rowOf = (row: z.output<typeof Scheduler>) => ({
    ...placeOf(row),
    "CLUSTER": String(row.scheduler_cluster_id),
    "FEATURES": shownList(row.features),
    "LAST HEARD": shownTime(row.last_keep_alive_at),
  });
  return { path: "schedulers", query: ofCluster(flags), schema: Scheduler, rowOf };
}

function peerList(flags: Flags) {
  const rowOf = (row: z.output<typeof Peer>) => ({
    ...placeOf(row),
    "CLUSTER": String(row.scheduler_cluster_id),
    "TYPE": row.type,
    "VERSION": row.git_version || "-",
  });
  return { path: "peers", query: ofCluster(flags), schema: Peer, rowOf };
}

/** Seed peers belong to the other half of a cluster, which has an id of its own (manager-rest.md §1.2). */
function seedPeerList(flags: Flags) {
  const rowOf = (row: z.output<typeof SeedPeer>) => ({
    ...placeOf(row),
    "SEED PEER CLUSTER": String(row.seed_peer_cluster_id),
    "DOWNLOAD PORT": String(row.download_port),
  });
  const query = async (manager: ManagerClient) => {
    if (flags.cluster === undefined) return queryOf(flags);
    const cluster = await manager.send("GET", `clusters/${await idOf(manager, "clusters", flags.cluster)}`);
    return { ...queryOf(flags), ...readAs(ClusterHalves, cluster) };
  };
  return { path: "seed-peers", query, schema: SeedPeer, rowOf };
}

function ofCluster(flags: Flags) {
  return async (manager: ManagerClient) => {
    if (flags.cluster === undefined) return queryOf(flags);
    return { ...queryOf(flags), scheduler_cluster_id: await idOf(manager, "clusters", flags.cluster) };
  };
}

function queryOf({ state, ip, hostname }: Flags) {
  return { state, ip, host_name: hostname };
}

function placeOf(row: z.output<z.ZodObject<typeof place>>) {
  return {
    "ID": String(row.id),
    "HOSTNAME": row.host_name,
    "IP": row.ip,
    "PORT": String(row.port),
    "STATE": row.state,
    "IDC": row.idc || "-",
    "LOCATION": row.location || "-",
  };
}
