import { isIP } from "node:net";
import { dirname } from "node:path";
import * as z from "zod";
import { errorText } from "../../core/error.ts";
import type { SchedulerAddress } from "../../core/scheduler_ring.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";

/** More schedulers than this are not used: each costs a connection. */
const SCHEDULERS_MAX = 64;

/** A scheduler that this host may talk to. */
export interface KnownScheduler extends SchedulerAddress {
  readonly clusterId: number;
}

/** What is known of the cluster of this host. */
export interface KnownCluster {
  readonly schedulers: readonly KnownScheduler[];
  /** Its settings for this kind of host, as the JSON of wire.md §5.5; empty for none. */
  readonly config: string;
}

const Schedulers = z.array(z.object({
  ip: z.string().refine((ip) => isIP(ip) !== 0),
  port: z.number().int().min(1).max(65_535),
  clusterId: z.number().int().min(0),
}));
/** The list alone is how it was kept before. */
const Saved = z.union([
  z.object({ schedulers: Schedulers, config: z.string() }),
  Schedulers.transform((schedulers) => ({ schedulers, config: "" })),
]);

const NOTHING_KNOWN: KnownCluster = { schedulers: [], config: "" };

/**
 * What is kept of a manager's list: the cluster of the first scheduler that is healthy, and all schedulers of it,
 * for one that is down now may be up later. Nothing when none is healthy (wire.md §2.2).
 */
export function chooseCluster(listed: readonly KnownScheduler[], isHealthy: readonly boolean[]): KnownScheduler[] {
  const first = listed.find((_, index) => isHealthy[index] === true);
  if (first === undefined) return [];
  return listed.filter(({ clusterId }) => clusterId === first.clusterId).slice(0, SCHEDULERS_MAX);
}

/** Whether two lists name the same schedulers, in whatever order. */
export function isSameList(a: readonly KnownScheduler[], b: readonly KnownScheduler[]): boolean {
  const keys = (list: readonly KnownScheduler[]) => list.map((s) => `${addressOf(s)} ${s.clusterId}`).sort().join();
  return keys(a) === keys(b);
}

/** `ip:port`, as gRPC takes it. */
export function addressOf({ ip, port }: SchedulerAddress): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** The last good list; empty when there is none, or none that can be read. */
export async function loadList(disk: Disk, path: string, log: Log): Promise<KnownCluster> {
  try {
    if (await disk.stat(path) === undefined) return NOTHING_KNOWN;
    return Saved.parse(JSON.parse(await disk.readText(path)));
  } catch (error) {
    log.warn("The saved list of schedulers cannot be used; the manager's is awaited", {
      path,
      error: errorText(error),
    });
    return NOTHING_KNOWN;
  }
}

/** Keeps a good list, and what is refused, for a start without the manager. */
export async function saveList(disk: Disk, path: string, cluster: KnownCluster, log: Log): Promise<void> {
  try {
    await disk.mkdirAll(dirname(path));
    await disk.writeTextAtomic(path, `${JSON.stringify(cluster, undefined, 2)}\n`);
  } catch (error) {
    log.warn("The list of schedulers cannot be saved; a start without the manager will not know them", {
      path,
      error: errorText(error),
    });
  }
}
