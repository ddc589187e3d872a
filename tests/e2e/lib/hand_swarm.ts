/** Swarms of peers that only talk to a scheduler: as large as a picture has to be, with no content at all. */
import { createRpcClient } from "../../../src/rpc/client.ts";
import { Network } from "../../../src/rpc/gen/common/v2/common.ts";
import { SchedulerService } from "../../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../../src/runtime/clock.ts";
import { announce, HandPeer, pieceReport } from "../../../src/testing/hand_peer.ts";

const RACKS = 12;
const PIECES = 25;

/** Peers of one task whose streams stay open until it is disposed. */
export interface HandSwarm extends Disposable {
  readonly taskId: string;
}

/** A swarm in which one peer fetches from the source, and the others get pieces from those before them. */
export async function startHandSwarm(target: string, taskId: string, count: number): Promise<HandSwarm> {
  const client = createRpcClient(SchedulerService, target, { clock: realClock() });
  const stop = new AbortController();
  const peers: HandPeer[] = [];
  for (let index = 0; index < count; index++) {
    const id = `${taskId.slice(0, 4)}-${String(index).padStart(3, "0")}`;
    await announce(client, `${id}-host`, {
      ...{ hostname: id, type: index === 0 ? 1 : 0 },
      network: Network.create({ location: `eu|rack${index % RACKS}`, idc: "fra" }),
    });
    const peer = new HandPeer(client, id, taskId, `${id}-host`, { signal: stop.signal });
    peers.push(peer);
    await peer.register({ digest: `sha256:${taskId}`, needBackToSource: index === 0 });
    const answer = await peer.next();
    if (answer?.$case === "needBackToSourceResponse") await beginAtSource(peer);
    else if (answer?.$case === "normalTaskResponse") await getSome(peer, answer.value.candidateParents, index);
  }
  return {
    taskId,
    [Symbol.dispose]() {
      for (const peer of peers) peer.cancel();
      stop.abort();
      client[Symbol.dispose]();
    },
  };
}

async function beginAtSource(peer: HandPeer): Promise<void> {
  await peer.send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  for (let number = 0; number < PIECES - 5; number++) {
    const piece = pieceReport(number);
    await peer.send({ $case: "downloadPieceBackToSourceFinishedRequest", value: { piece } });
  }
}

/** Each tenth peer has not begun yet, each seventh has all; the others are on their way. */
async function getSome(peer: HandPeer, parents: readonly { readonly id: string }[], index: number): Promise<void> {
  if (index % 10 === 9) return;
  await peer.send({ $case: "downloadPeerStartedRequest", value: {} });
  const count = index % 7 === 0 ? PIECES : index % (PIECES - 1);
  for (let number = 0; number < count; number++) {
    const parent = parents[(number * number) % parents.length];
    const piece = pieceReport(number, parent?.id);
    await peer.send({ $case: "downloadPieceFinishedRequest", value: { piece } });
  }
  if (count === PIECES) await peer.send({ $case: "downloadPeerFinishedRequest", value: {} });
}
