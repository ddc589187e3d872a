import { ipBytes } from "./ip.ts";
import { sipHash24 } from "./siphash.ts";

/** Where a scheduler listens. */
export interface SchedulerAddress {
  readonly ip: string;
  readonly port: number;
}

const KEY_LENGTH = 5;

/** The bytes that Rust's `Hash` feeds for a `SocketAddr` (wire.md §2.9). */
function addressBytes({ ip, port }: SchedulerAddress): Uint8Array {
  const address = ipBytes(ip);
  const isV4 = address.length === 4;
  const bytes = new Uint8Array(8 + address.length + (isV4 ? 2 : 10));
  bytes[0] = isV4 ? 0 : 1;
  bytes.set(address, 8);
  new DataView(bytes.buffer).setUint16(8 + address.length, port, true);
  return bytes;
}

/** The hash of a scheduler's place on the ring. */
export function nodeHash(address: SchedulerAddress): bigint {
  return sipHash24(addressBytes(address));
}

/** The hash of a task's place on the ring: the first 5 characters of its id, ended by 0xFF (wire.md §2.9). */
export function keyHash(taskId: string): bigint {
  const key = new TextEncoder().encode(taskId.slice(0, KEY_LENGTH));
  return sipHash24(Uint8Array.of(...key, 0xff));
}

/** Consistent choice of a scheduler by task id; peers of one task meet at the same scheduler (wire.md §2.9). */
export class SchedulerRing<A extends SchedulerAddress = SchedulerAddress> {
  readonly #nodes: { readonly hash: bigint; readonly address: A }[];

  constructor(addresses: readonly A[]) {
    this.#nodes = addresses
      .map((address) => ({ hash: nodeHash(address), address }))
      .sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
  }

  /** The scheduler of a task: the first node at or after the key, around the ring; undefined on an empty ring. */
  pick(taskId: string): A | undefined {
    const hash = keyHash(taskId);
    return (this.#nodes.find((node) => node.hash >= hash) ?? this.#nodes[0])?.address;
  }

  /** All schedulers, in ring order. */
  get addresses(): A[] {
    return this.#nodes.map((node) => node.address);
  }
}
