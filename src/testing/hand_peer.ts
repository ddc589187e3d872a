/** Peers of a scheduler that a test drives by hand: it sends each message, and takes the answers one by one. */
import { type CallOptions, type RpcClient, type RpcStream } from "../rpc/client.ts";
import { Download, Host, Peer, Piece } from "../rpc/gen/common/v2/common.ts";
import { AnnouncePeerRequest, type AnnouncePeerResponse, SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs, timestampOfMs } from "../rpc/time.ts";

/** The options of calls that should be over long before their limit. */
export const limited = { signal: new AbortController().signal, timeoutMs: 5_000 };

/** A client of a scheduler. */
export type SchedulerClient = RpcClient<typeof SchedulerService>;

type Message = NonNullable<AnnouncePeerRequest["request"]>;

/** What every message of a peer repeats. */
export interface HandPeerIds {
  readonly hostId: string;
  readonly taskId: string;
  readonly peerId: string;
}

const PIECE_BYTES = 4 << 20;

/** Announces a host on loopback, with nothing special about it but `parts`. */
export async function announce(client: SchedulerClient, id: string, parts: Partial<Host> = {}): Promise<void> {
  const host = Host.create({ id, hostname: id, ip: "127.0.0.1", port: 4000, downloadPort: 4000, ...parts });
  await client.announceHost({ host, interval: durationOfMs(300_000) }, limited);
}

/** The report of a piece, as a peer sends it. */
export function pieceReport(number: number, parentId?: string): Piece {
  return Piece.create({
    number,
    offset: number * PIECE_BYTES,
    length: PIECE_BYTES,
    digest: "crc32:1",
    cost: durationOfMs(20),
    createdAt: timestampOfMs(1),
    ...(parentId === undefined ? {} : { parentId }),
  });
}

/** One peer and its stream. */
export class HandPeer {
  readonly ids: HandPeerIds;
  readonly #stream: RpcStream<AnnouncePeerRequest, AnnouncePeerResponse>;
  readonly #answers: AsyncIterator<AnnouncePeerResponse>;

  /** `call` limits the stream; left out, it is as short as tests are. */
  constructor(
    client: SchedulerClient,
    peerId: string,
    taskId = "task",
    hostId = `${peerId}-host`,
    call: CallOptions = limited,
  ) {
    this.#stream = client.announcePeer(call);
    this.#answers = this.#stream.responses[Symbol.asyncIterator]();
    this.ids = { peerId, taskId, hostId };
  }

  /** Sends any message, with other ids than its own if asked. */
  send(request: Message | undefined, ids: Partial<HandPeerIds> = {}): Promise<void> {
    return this.#stream.send(AnnouncePeerRequest.create({ ...this.ids, ...ids, request }));
  }

  /** Registers for a content of 100 MiB, whose request holds secrets. */
  register(parts: Partial<Download> = {}): Promise<void> {
    const download = Download.create({
      url: "https://registry.example/v2/blob?signature=secret",
      requestHeader: { authorization: "Bearer secret" },
      actualContentLength: 25 * PIECE_BYTES,
      actualPieceLength: PIECE_BYTES,
      actualPieceCount: 25,
      ...parts,
    });
    return this.send({ $case: "registerPeerRequest", value: { download } });
  }

  /** The next answer; undefined when the scheduler ended the stream with OK. */
  async next(): Promise<AnnouncePeerResponse["response"]> {
    return (await this.#answers.next()).value?.response;
  }

  /** The candidate parents of the next answer, which must hold some. */
  async parents(): Promise<Peer[]> {
    const answer = await this.next();
    if (answer?.$case !== "normalTaskResponse") throw new Error(`the answer is ${answer?.$case}`);
    return answer.value.candidateParents;
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** A peer on a host of its own that is announced. */
export async function peerOf(
  client: SchedulerClient,
  peerId: string,
  taskId?: string,
  host: Partial<Host> = {},
): Promise<HandPeer> {
  await announce(client, `${peerId}-host`, host);
  return new HandPeer(client, peerId, taskId);
}
