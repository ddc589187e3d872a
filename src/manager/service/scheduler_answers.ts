import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { BoundedMap } from "../../core/bounded_map.ts";
import { type HostPlace, isSameFit, rankClusters, type Ranked } from "../../core/scope.ts";
import { ListSchedulersResponse, ManagerService, type Scheduler } from "../../rpc/gen/manager/v2/manager.ts";
import type { ListedCluster } from "./listed_cluster.ts";

/** Bytes of hosts and their orders of clusters that are remembered: 50,000 hosts of a hundred clusters. */
const ORDERS_BYTES_MAX = 32 * 1024 * 1024;
/**
 * Once a host has so many schedulers it is told of no cluster that fits less well than its best one. It looks at those
 * of another cluster only while none of the better ones answers, and each minute it is told anew.
 */
const SCHEDULERS_ENOUGH = 4;

/** The clusters as a host should try them. */
interface Order {
  /** Best first. */
  readonly ids: Uint32Array;
  /** For each of them the same number as for those that fit alike, and a higher one than for those that fit better. */
  readonly tiers: Uint8Array;
}

/**
 * Answers to ListSchedulers. Ranking a hundred clusters and writing their messages costs far more than the rest of a
 * call, so both are remembered: the order by host, until a cluster changes its scopes, and the bytes of a scheduler as
 * long as its message lives.
 */
export class SchedulerAnswers {
  readonly #orders = new BoundedMap<Order>(
    ORDERS_BYTES_MAX,
    (place, { ids, tiers }) => place.length + ids.byteLength + tiers.byteLength,
  );
  #clusters: ReadonlyMap<number, ListedCluster> = new Map();

  /**
   * Live schedulers of `clusters`, those of the cluster that fits `host` best first. Clusters that fit as well as that
   * one are all there, so that a host which no scope tells apart finds the one that it can reach; others as far as
   * there is need.
   */
  answer(clusters: ReadonlyMap<number, ListedCluster>, host: HostPlace): ListSchedulersResponse {
    if (clusters !== this.#clusters) this.#adopt(clusters);
    const { ids, tiers } = this.#orderFor(host);
    const schedulers: Scheduler[] = [];
    let best: number | undefined;
    for (let index = 0; index < ids.length; index++) {
      if (schedulers.length >= SCHEDULERS_ENOUGH && tiers[index] !== best) break;
      const live = clusters.get(ids[index] ?? 0)?.live ?? [];
      if (live.length > 0) best ??= tiers[index];
      schedulers.push(...live);
    }
    return { schedulers };
  }

  #orderFor(host: HostPlace): Order {
    const place = JSON.stringify([host.ip, host.hostname, host.idc, host.location]);
    let order = this.#orders.get(place);
    if (order === undefined) {
      order = orderOf(rankClusters([...this.#clusters.values()], host));
      this.#orders.add(place, order);
    }
    return order;
  }

  #adopt(clusters: ReadonlyMap<number, ListedCluster>): void {
    if (!isRankedAlike([...this.#clusters.values()], [...clusters.values()])) this.#orders.clear();
    this.#clusters = clusters;
  }
}

function orderOf(ranked: readonly Ranked<ListedCluster>[]): Order {
  const tiers = new Uint8Array(ranked.length);
  for (const [index, { rank }] of ranked.entries()) {
    const before = ranked[index - 1];
    if (before === undefined) continue;
    tiers[index] = (tiers[index - 1] ?? 0) + Number(!isSameFit(before.rank, rank));
  }
  return { ids: Uint32Array.from(ranked, ({ cluster }) => cluster.id), tiers };
}

/** Whether hosts would rank these clusters as they ranked those; in an order, one that is gone stands for nothing. */
function isRankedAlike(before: readonly ListedCluster[], after: readonly ListedCluster[]): boolean {
  return after.every(({ id, rows: { cluster } }, index) => {
    const known = before[index];
    if (known?.rows.cluster === cluster) return true;
    return known?.id === id && known.isDefault === cluster.isDefault &&
      isDeepStrictEqual(known.rows.cluster.scopes, cluster.scopes);
  });
}

/** The bytes of schedulers, each as the only one of an answer. */
const written = new WeakMap<Scheduler, Uint8Array>();

function bytesOf(scheduler: Scheduler): Uint8Array {
  let bytes = written.get(scheduler);
  if (bytes === undefined) {
    bytes = ListSchedulersResponse.encode({ schedulers: [scheduler] }).finish();
    written.set(scheduler, bytes);
  }
  return bytes;
}

/** The service of the manager. An answer is the bytes of its schedulers, one after the other, as protobuf has it. */
export const AnsweringManagerService = {
  ...ManagerService,
  listSchedulers: {
    ...ManagerService.listSchedulers,
    responseSerialize: ({ schedulers }: ListSchedulersResponse) => Buffer.concat(schedulers.map(bytesOf)),
  },
} as const;
