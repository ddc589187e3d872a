import { Buffer } from "node:buffer";
import { type HostPlace, rankClusters } from "../../core/scope.ts";
import { ListSchedulersResponse, ManagerService, type Scheduler } from "../../rpc/gen/manager/v2/manager.ts";
import type { ListedCluster } from "./listed_cluster.ts";

/** Hosts whose order of clusters is remembered; each asks once a minute or so. */
const PLACES_MAX = 50_000;
/** Orders whose answer is remembered; most hosts have one of a few. */
const ANSWERS_MAX = 250;

/** The ids of clusters, best first, joined: hosts with the same order get the same answer. */
type Order = string;

/**
 * Answers to ListSchedulers. Ranking a hundred clusters and writing their messages costs far more than the rest of a
 * call, so both are remembered: the order by host, until a cluster changes its scopes, and the answer by order, until any
 * cluster is read again.
 */
export class SchedulerAnswers {
  readonly #orders = new Map<string, Order>();
  readonly #answers = new Map<Order, ListSchedulersResponse>();
  #clusters: ReadonlyMap<number, ListedCluster> = new Map();

  /** The live schedulers of `clusters`, those of the cluster that fits `host` best first. */
  answer(clusters: ReadonlyMap<number, ListedCluster>, host: HostPlace): ListSchedulersResponse {
    if (clusters !== this.#clusters) this.#adopt(clusters);
    const order = this.#orderFor(host);
    const known = this.#answers.get(order);
    if (known !== undefined) return known;
    const ids = order === "" ? [] : order.split(" ").map(Number);
    const answer = encodedOnce({ schedulers: ids.flatMap((id) => [...clusters.get(id)?.live ?? []]) });
    makeRoom(this.#answers, ANSWERS_MAX);
    this.#answers.set(order, answer);
    return answer;
  }

  #orderFor(host: HostPlace): Order {
    // Host name and IP cannot hold a line break; whoever puts one into the others only shares with himself.
    const place = [host.ip, host.hostname, host.idc, host.location].join("\n");
    let order = this.#orders.get(place);
    if (order === undefined) {
      order = rankClusters([...this.#clusters.values()], host).map(({ id }) => id).join(" ");
      makeRoom(this.#orders, PLACES_MAX);
      this.#orders.set(place, order);
    }
    return order;
  }

  #adopt(clusters: ReadonlyMap<number, ListedCluster>): void {
    const before = this.#clusters;
    const isRankedAlike = before.size === clusters.size &&
      [...clusters].every(([id, { rows }]) => before.get(id)?.rows.cluster === rows.cluster);
    if (!isRankedAlike) this.#orders.clear();
    this.#answers.clear();
    this.#clusters = clusters;
  }
}

/** Takes out the oldest entry of a full map. */
function makeRoom(map: Map<string, unknown>, sizeMax: number): void {
  const [oldest] = map.keys();
  if (map.size >= sizeMax && oldest !== undefined) map.delete(oldest);
}

const encoded = new WeakMap<ListSchedulersResponse, Buffer>();

/** An answer that is written once, however often it is sent. */
function encodedOnce(answer: { readonly schedulers: Scheduler[] }): ListSchedulersResponse {
  encoded.set(answer, Buffer.from(ListSchedulersResponse.encode(answer).finish()));
  return answer;
}

/** The service of the manager, which sends the answers from here as they were written. */
export const AnsweringManagerService = {
  ...ManagerService,
  listSchedulers: {
    ...ManagerService.listSchedulers,
    responseSerialize: (answer: ListSchedulersResponse): Buffer =>
      encoded.get(answer) ?? ManagerService.listSchedulers.responseSerialize(answer),
  },
} as const;
