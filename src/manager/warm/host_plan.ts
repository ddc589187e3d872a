/** Which hosts are brought to the warm images next: functions from what is known to what is stored. */
import type { Random } from "../../runtime/random.ts";
import type { WarmHost, WarmHostChanges, WarmHostInput } from "../store/warm_hosts.ts";
import { backoffMs } from "./backoff.ts";
import { hostKey, type JobOutcome } from "./job_outcome.ts";

/** Hosts of one cluster that are kept warm. */
export const HOSTS_MAX = 20_000;
/** Addresses of one preheat (manager-rest.md §4.2). */
const BATCH_IPS_MAX = 100;
/** A host that no scheduler knows for so long has left; when it comes back it has joined. */
export const LEFT_AFTER_MS = 10 * 60_000;
/** The longest wait after failures: what a host lacks may be declared anew meanwhile, and then be good for it. */
const BACKOFF_MAX_MS = 10 * 60_000;
/** For so long hosts are one manager's; it says so again before that while their jobs run. */
export const HOSTS_CLAIM_MS = 10 * 60_000;

/** A host by what it is called and where it is. */
export interface HostName {
  readonly hostname: string;
  readonly ip: string;
}

/** Hosts that one job brings to a warm image. */
export interface Batch {
  readonly hosts: readonly HostName[];
  /** What was declared until then each of them was brought to. */
  readonly warmedAtMs: number;
}

/** What becomes of the hosts of a cluster, and who is brought to the warm images now. */
export interface HostPlan extends WarmHostChanges {
  readonly batches: readonly Batch[];
  /** Whether all that are stored are there, and lack nothing: until something changes there is nothing to do. */
  readonly isSettled: boolean;
}

/** What a plan is made of. */
export interface HostPlanInput {
  readonly clusterId: number;
  /** What is stored. */
  readonly known: readonly WarmHost[];
  /** What the scheduler knows. */
  readonly present: readonly HostName[];
  /** When the last of the warm images of the cluster was declared. */
  readonly declaredAtMs: number;
  readonly nowMs: number;
  /** How many batches may begin. */
  readonly batchesMax: number;
}

/** A host that is there, and what is stored of it. */
interface Present {
  readonly host: HostName;
  readonly stored: WarmHost | undefined;
}

/** Takes hosts that lack something, so many as there is room for; the others are looked at again when there is. */
export function planHosts(input: HostPlanInput): HostPlan {
  const { clusterId, known, declaredAtMs, nowMs, batchesMax } = input;
  const stored = new Map(known.map((host) => [hostKey(host), host]));
  const present = new Map(
    input.present.slice(0, HOSTS_MAX).map((host): [string, Present] => {
      const key = hostKey(host);
      return [key, { host, stored: stored.get(key) }];
    }),
  );
  const lacking = [...present.values()].filter(({ stored }) => (stored?.warmedAtMs ?? -1) < declaredAtMs);
  const groups = batchesOf(lacking.filter(({ stored }) => (stored?.nextAtMs ?? 0) <= nowMs), batchesMax);
  const taken = groups.flat();
  const gone = [...stored].flatMap(([key, host]) => present.has(key) ? [] : [host]);
  const back = [...present.values()].flatMap(({ stored }) => stored?.missingSinceMs ? [stored] : []);
  const patches = [
    { ids: idsOf(gone.filter(({ missingSinceMs }) => missingSinceMs === 0)), patch: { missingSinceMs: nowMs } },
    { ids: idsOf(back), patch: { missingSinceMs: 0 } },
    { ids: idsOf(taken.flatMap(({ stored }) => stored ?? [])), patch: { nextAtMs: nowMs + HOSTS_CLAIM_MS } },
  ];
  return {
    added: taken.flatMap(({ host, stored }) => stored === undefined ? [joined(clusterId, host, nowMs)] : []),
    changed: patches.filter(({ ids }) => ids.length > 0),
    removed: idsOf(gone.filter(({ missingSinceMs: since }) => since > 0 && nowMs - since >= LEFT_AFTER_MS)),
    batches: groups.map((hosts) => ({
      hosts: hosts.map(({ host }) => host),
      warmedAtMs: Math.min(...hosts.map(({ stored }) => stored?.warmedAtMs ?? 0)),
    })),
    isSettled: lacking.length === 0 && gone.length === 0,
  };
}

/** What is stored when the jobs of a batch have ended; `errorOf` a host that failed. */
export function settleHosts(
  known: readonly WarmHost[],
  { hosts }: Batch,
  errorOf: (host: HostName) => string | undefined,
  { declaredAtMs, nowMs, random }: {
    /** What was declared until then the hosts were brought to. */
    readonly declaredAtMs: number;
    readonly nowMs: number;
    readonly random: Random;
  },
): WarmHostChanges {
  const mine = ofBatch(known, hosts);
  const warm = mine.filter((host) => errorOf(host) === undefined);
  const failed = mine.filter((host) => errorOf(host) !== undefined).map((host) => {
    const failures = host.failures + 1;
    const nextAtMs = nowMs + backoffMs(failures, random, { maxMs: BACKOFF_MAX_MS });
    return { ids: [host.id], patch: { failures, error: errorOf(host) ?? "", nextAtMs } };
  });
  const done = { warmedAtMs: declaredAtMs, nextAtMs: 0, failures: 0, error: "" };
  const changed = warm.length === 0 ? failed : [{ ids: warm.map(({ id }) => id), patch: done }, ...failed];
  return { added: [], changed, removed: [] };
}

/** Keeps the hosts of a batch for longer, or lets them go, with 0. */
export function holdHosts(known: readonly WarmHost[], { hosts }: Batch, nextAtMs: number): WarmHostChanges {
  const ids = ofBatch(known, hosts).map(({ id }) => id);
  return { added: [], changed: ids.length === 0 ? [] : [{ ids, patch: { nextAtMs } }], removed: [] };
}

/** Why a host of a batch failed, by how its jobs ended: a host that no list names has failed with the whole job. */
export function errorIn(outcomes: readonly JobOutcome[]): (host: HostName) => string | undefined {
  return (host) => {
    for (const { state, error, failedHosts, areAllListed } of outcomes) {
      const own = failedHosts.get(hostKey(host)) ?? failedHosts.get(hostKey({ hostname: "", ip: host.ip }));
      if (own !== undefined) return own;
      if (state === "FAILURE") return error;
      if (!areAllListed) return "More hosts failed than the job lists";
    }
    return undefined;
  };
}

/** Hosts in groups of so many addresses; those that share an address stay together, for an order names addresses. */
function batchesOf(hosts: readonly Present[], batchesMax: number): Present[][] {
  const byIp = [...Map.groupBy(hosts, ({ host }) => host.ip).values()];
  const batches: Present[][] = [];
  for (let start = 0; start < byIp.length && batches.length < batchesMax; start += BATCH_IPS_MAX) {
    batches.push(byIp.slice(start, start + BATCH_IPS_MAX).flat());
  }
  return batches;
}

function ofBatch(known: readonly WarmHost[], hosts: readonly HostName[]): readonly WarmHost[] {
  const keys = new Set(hosts.map(hostKey));
  return known.filter((host) => keys.has(hostKey(host)));
}

function idsOf(hosts: readonly WarmHost[]): number[] {
  return hosts.map(({ id }) => id);
}

function joined(clusterId: number, { hostname, ip }: HostName, nowMs: number): WarmHostInput {
  const nextAtMs = nowMs + HOSTS_CLAIM_MS;
  return { clusterId, hostname, ip, warmedAtMs: 0, nextAtMs, failures: 0, error: "", missingSinceMs: 0 };
}
