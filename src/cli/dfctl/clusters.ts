import type { Command } from "commander";
import * as z from "zod";
import { readAs, sayDone, type ShowFlags, shownList, shownTime, showOne } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { listVerb, noun, option, repeated, verb, wholeNumber, yesOrNo } from "./leaf.ts";
import { ID_OR_NAME, idOf, showList, withManager } from "./with_manager.ts";

const PATH = "clusters";

const Cluster = z.object({
  id: z.int(),
  name: z.string(),
  bio: z.string(),
  is_default: z.boolean(),
  scopes: z.object({
    idc: z.string().nullish(),
    location: z.string().nullish(),
    cidrs: z.array(z.string()).nullish(),
    hostnames: z.array(z.string()).nullish(),
  }).nullish(),
  scheduler_cluster_config: z.object({
    candidate_parent_limit: z.number().optional(),
    filter_parent_limit: z.number().optional(),
    job_rate_limit: z.number().optional(),
  }).nullish(),
  seed_peer_cluster_config: z.object({ load_limit: z.number().optional() }).nullish(),
  peer_cluster_config: z.object({ load_limit: z.number().optional() }).nullish(),
  created_at: z.string(),
});
type Cluster = z.output<typeof Cluster>;

/** What a cluster can be told, by the names of commander. */
interface ClusterFlags extends ShowFlags {
  readonly description?: string;
  readonly default?: boolean;
  readonly idc?: string;
  readonly location?: string;
  readonly cidr?: readonly string[];
  readonly hostname?: readonly string[];
  readonly candidateParentLimit?: number;
  readonly filterParentLimit?: number;
  readonly jobRateLimit?: number;
  readonly seedPeerLoadLimit?: number;
  readonly peerLoadLimit?: number;
}

/** `cluster list|show|create|update|delete`. */
export function clusterCommand(choose: Choose): Command {
  const list = listVerb("Lists clusters.");
  const show = verb("show", "Shows a cluster.").argument("<cluster>", ID_OR_NAME);
  const create = withSettings(verb("create", "Makes a cluster.").argument("<name>", "its name"));
  const update = withSettings(
    verb("update", "Changes what the options name of a cluster.").argument("<cluster>", ID_OR_NAME)
      .option("--name <name>", "a new name"),
  );
  const remove = verb("delete", "Removes a cluster without schedulers.").argument("<cluster>", ID_OR_NAME);
  return noun("cluster", "Clusters, and which hosts belong to them.", [
    list.action((flags: ShowFlags & { limit: number }) =>
      choose((context) => showList(context, flags, { path: PATH, schema: Cluster, rowOf }))
    ),
    show.action((name: string, flags: ShowFlags) => choose((context) => showCluster(context, name, flags))),
    create.action((name: string, flags: ClusterFlags) => choose((context) => createCluster(context, name, flags))),
    update.action((name: string, flags: ClusterFlags & { name?: string }) =>
      choose((context) => updateCluster(context, name, flags))
    ),
    remove.action((name: string, flags: ShowFlags) => choose((context) => removeCluster(context, name, flags))),
  ]);
}

function withSettings(command: Command): Command {
  return command
    .option("--description <text>", "what it is for")
    .addOption(option("--default <yes or no>", "whether hosts that fit no cluster belong to it", yesOrNo))
    .option("--idc <names>", "IDCs of its hosts, with | between them; '' for none")
    .option("--location <path>", "location of its hosts, with | between the elements; '' for none")
    .addOption(repeated("--cidr <cidr>", "addresses of its hosts; may be repeated; '' for none", String))
    .addOption(
      repeated("--hostname <pattern>", "host names, a regular expression; may be repeated; '' for none", String),
    )
    .addOption(option("--candidate-parent-limit <count>", "parents for a peer at a time", wholeNumber(1, 20)))
    .addOption(option("--filter-parent-limit <count>", "peers that are looked at for that", wholeNumber(10, 1_000)))
    .addOption(option("--job-rate-limit <count>", "jobs a second", wholeNumber(1, 1_000_000)))
    .addOption(
      option("--seed-peer-load-limit <count>", "pieces that a seed peer uploads at a time", wholeNumber(1, 50_000)),
    )
    .addOption(option("--peer-load-limit <count>", "pieces that a peer uploads at a time", wholeNumber(1, 2_000)));
}

async function showCluster(context: Context, name: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, async (manager) => {
    return await manager.send("GET", `${PATH}/${await idOf(manager, PATH, name)}`);
  });
  showOne(context, flags, { row, schema: Cluster, fieldsOf });
}

async function createCluster(context: Context, name: string, flags: ClusterFlags): Promise<void> {
  const body = { name, ...settingsOf(flags, {}) };
  const row = await withManager(context, (manager) => manager.send("POST", PATH, { body }));
  showOne(context, flags, { row, schema: Cluster, fieldsOf });
}

/** What no option names stays, within tables too, which a manager replaces as a whole. */
async function updateCluster(context: Context, name: string, flags: ClusterFlags & { name?: string }): Promise<void> {
  const row = await withManager(context, async (manager) => {
    const path = `${PATH}/${await idOf(manager, PATH, name)}`;
    const before = readAs(z.looseObject({}), await manager.send("GET", path));
    const renamed = flags.name === undefined ? {} : { name: flags.name };
    return await manager.send("PATCH", path, { body: { ...renamed, ...settingsOf(flags, before) } });
  });
  showOne(context, flags, { row, schema: Cluster, fieldsOf });
}

async function removeCluster(context: Context, name: string, flags: ShowFlags): Promise<void> {
  await withManager(context, async (manager) => {
    await manager.send("DELETE", `${PATH}/${await idOf(manager, PATH, name)}`);
  });
  sayDone(context, flags, `Cluster ${name} is removed.`);
}

/** The tables of a cluster (manager-rest.md §1.2), with what the flags name changed in those of `before`. */
function settingsOf(flags: ClusterFlags, before: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged = (key: string, values: Readonly<Record<string, unknown>>) => {
    return { [key]: { ...before[key] as object | undefined, ...given(values) } };
  };
  return {
    ...given({ bio: flags.description, is_default: flags.default ?? before["is_default"] }),
    ...merged("scopes", {
      ...{ idc: flags.idc, location: flags.location },
      ...{ cidrs: withoutEmpty(flags.cidr), hostnames: withoutEmpty(flags.hostname) },
    }),
    ...merged("scheduler_cluster_config", {
      candidate_parent_limit: flags.candidateParentLimit,
      filter_parent_limit: flags.filterParentLimit,
      job_rate_limit: flags.jobRateLimit,
    }),
    ...merged("seed_peer_cluster_config", { load_limit: flags.seedPeerLoadLimit }),
    ...merged("peer_cluster_config", { load_limit: flags.peerLoadLimit }),
  };
}

function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function withoutEmpty(values: readonly string[] | undefined): string[] | undefined {
  return values?.filter((value) => value !== "");
}

function rowOf({ id, name, is_default, scopes, created_at }: Cluster) {
  return {
    "ID": String(id),
    "NAME": name,
    "DEFAULT": is_default ? "yes" : "no",
    "CIDRS": shownList(scopes?.cidrs),
    "HOSTNAMES": shownList(scopes?.hostnames),
    "IDC": scopes?.idc || "-",
    "LOCATION": scopes?.location || "-",
    "CREATED": shownTime(created_at),
  };
}

function fieldsOf(cluster: Cluster) {
  const { scheduler_cluster_config: scheduler, seed_peer_cluster_config: seed, peer_cluster_config: peer } = cluster;
  const limit = (value: number | undefined) => value ? String(value) : "-";
  return {
    ...rowOf(cluster),
    "DESCRIPTION": cluster.bio || "-",
    "CANDIDATE PARENT LIMIT": limit(scheduler?.candidate_parent_limit),
    "FILTER PARENT LIMIT": limit(scheduler?.filter_parent_limit),
    "JOB RATE LIMIT": limit(scheduler?.job_rate_limit),
    "SEED PEER LOAD LIMIT": limit(seed?.load_limit),
    "PEER LOAD LIMIT": limit(peer?.load_limit),
  };
}
