import { isIP } from "node:net";
import { BUILD_PLATFORM } from "../../core/version.ts";
import type { Host, Network, Peer } from "../../rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { SyncHostRequest, SyncPiecesRequest, SyncPiecesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Channels } from "../../rpc/client.ts";
import type { PieceFamily } from "./vortex.ts";
import type { Endpoint } from "../../runtime/net.ts";

/** A peer that the scheduler proposes to get pieces from. */
export interface Parent {
  /** Its peer id. */
  readonly peerId: string;
  readonly hostId: string;
  /** Where it answers `DfdaemonUpload`. */
  readonly rpc: Endpoint;
  /** Its network as the scheduler knew it. */
  readonly network: Network | undefined;
  /** It cuts what it has as its children ask, see `BUILD_PLATFORM`; others have one cut. */
  readonly cutsAsAsked: boolean;
  /** One that may wait for us as we do for it; our scheduler gives mates without their task, and parents with it. */
  readonly isMate?: boolean;
}

/** A candidate parent as the scheduler sends it; undefined when it names no address that can be connected to. */
export function parentOfPeer({ id, host, task }: Peer): Parent | undefined {
  if (id === "" || host === undefined || isIP(host.ip) === 0 || host.port < 1 || host.port > 65_535) return undefined;
  return {
    peerId: id,
    hostId: host.id,
    rpc: { hostname: host.ip, port: host.port },
    network: host.network,
    cutsAsAsked: host.build?.platform === BUILD_PLATFORM,
    ...(task === undefined && { isMate: true }),
  };
}

/**
 * Metadata of a SyncPieces call: how the child cuts the content, in bytes. Only children that cut by our own rule send
 * it, and only our own parents understand it; a stock parent tells of pieces as it cuts them itself.
 */
export const PIECE_LENGTH_HEADER = "damselfly-piece-length";

/** Metadata of a SyncPieces call: of which version the child has pieces, see `contentVersion`. For our own parents too. */
export const CONTENT_VERSION_HEADER = "damselfly-content-version";

/**
 * Metadata of a SyncPieces call of a child of our make, which has other parents and mates: it may be told later of what
 * somebody else is told of at once. See `turns.ts`.
 */
export const TURNS_HEADER = "damselfly-turns";

/** What a child says of itself besides its request; only parents of our make understand it. */
export interface ChildFacts {
  /** {@link PIECE_LENGTH_HEADER} */
  readonly pieceLength?: number | undefined;
  /** {@link CONTENT_VERSION_HEADER} */
  readonly version?: string | undefined;
  /** {@link TURNS_HEADER} */
  readonly waitsItsTurn?: boolean;
}

/** What a child asks of its parents over gRPC. A stream starts when it is iterated and ends when the loop is left. */
export interface ParentRpc {
  /** The wanted pieces that the parent has, as it gets them. */
  syncPieces(
    parent: Parent,
    request: SyncPiecesRequest,
    signal: AbortSignal,
    facts?: ChildFacts,
  ): AsyncIterable<SyncPiecesResponse>;
  /** The parent's host, about once a second; only its `network` is filled. */
  syncHost(parent: Parent, request: SyncHostRequest, signal: AbortSignal): AsyncIterable<Host>;
}

/** The real thing, over shared channels; the pieces are those of one family of tasks. */
export function createParentRpc(channels: Pick<Channels, "client">, family: PieceFamily = "standard"): ParentRpc {
  const method = family === "persistent_cache" ? "syncPersistentCachePieces" : "syncPieces";
  const clientOf = ({ rpc: { hostname, port } }: Parent) =>
    channels.client(DfdaemonUploadService, hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`);
  return {
    syncPieces: (parent, request, signal, { pieceLength, version, waitsItsTurn } = {}) => {
      const metadata = {
        ...(pieceLength !== undefined && { [PIECE_LENGTH_HEADER]: String(pieceLength) }),
        ...(waitsItsTurn === true && { [TURNS_HEADER]: "1" }),
        ...(version !== undefined && { [CONTENT_VERSION_HEADER]: version }),
      };
      return clientOf(parent)[method](request, { signal, metadata });
    },
    syncHost: (parent, request, signal) => clientOf(parent).syncHost(request, { signal }),
  };
}
