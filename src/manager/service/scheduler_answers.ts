import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { BoundedMap } from "../../core/bounded_map.ts";
import { type HostPlace, rankClusters } from "../../core/scope.ts";
import { ListSchedulersResponse, ManagerService, type Scheduler } from "../../rpc/gen/manager/v2/manager.ts";
import type { ListedCluster } from "./listed_cluster.ts";

/** Characters of hosts and their orders of clusters that are remembered: 50,000 hosts of a hundred clusters. */
const ORDERS_CHARACTERS_MAX = 32 * 1024 * 1024;
/** Bytes of answers that are remembered; most hosts get one of a few. */
const ANSWERS_BYTES_MAX = 32 * 1024 * 1024;

/** The ids of clusters, best first, joined: hosts with the same order get the same answer. */
type Order = string;

/**
 * Answers to ListSchedulers. Ranking a hundred clusters and writing their messages costs far more than the rest of a
 * call, so both are remembered: the order by host, until a cluster changes its scopes, and the answer by order, until any
 * cluster is read again.
 */
export class SchedulerAnswers {
  readonly #orders = new BoundedMap<Order>(ORDERS_CHARACTERS_MAX, (place, order) => place.length + order.length);
  readonly #answers = new BoundedMap<ListSchedulersResponse>(ANSWERS_BYTES_MAX, (_, answer) => bytesOf(answer).length);
  #clusters: ReadonlyMap<number, ListedCluster> = new Map();

  /** The live schedulers of `clusters`, those of the cluster that fits `host` best first. */
  answer(clusters: ReadonlyMap<number, ListedCluster>, host: HostPlace): ListSchedulersResponse {
    if (clusters !== this.#clusters) this.#adopt(clusters);
    const order = this.#orderFor(host);
    const known = this.#answers.get(order);
    if (known !== undefined) return known;
    const ids = order === "" ? [] : order.split(" ").map(Number);
    const answer = writtenOnce({ schedulers: ids.flatMap((id) => [...clusters.get(id)?.live ?? []]) });
    this.#answers.add(order, answer);
    return answer;
  }

  #orderFor(host: HostPlace): Order {
    const place = JSON.stringify([host.ip, host.hostname, host.idc, host.location]);
    let order = this.#orders.get(place);
    if (order === undefined) {
      order = rankClusters([...this.#clusters.values()], host).map(({ id }) => id).join(" ");
      this.#orders.add(place, order);
    }
    return order;
  }

  #adopt(clusters: ReadonlyMap<number, ListedCluster>): void {
    if (!isRankedAlike([...this.#clusters.values()], [...clusters.values()])) this.#orders.clear();
    this.#answers.clear();
    this.#clusters = clusters;
  }
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

const written = new WeakMap<ListSchedulersResponse, Buffer>();

/** An answer that is written once, however often it is sent. */
function writtenOnce(answer: { readonly schedulers: Scheduler[] }): ListSchedulersResponse {
  written.set(answer, bytesOf(answer));
  return answer;
}

function bytesOf(answer: ListSchedulersResponse): Buffer {
  return written.get(answer) ?? Buffer.from(ListSchedulersResponse.encode(answer).finish());
}

/** The service of the manager, which sends the answers from here as they were written. */
export const AnsweringManagerService = {
  ...ManagerService,
  listSchedulers: { ...ManagerService.listSchedulers, responseSerialize: bytesOf },
} as const;
