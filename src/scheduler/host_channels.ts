import { formatHostPort } from "../config/addresses.ts";
import { RpcChannels, type RpcClient } from "../rpc/client.ts";
import type { Host } from "../rpc/gen/common/v2/common.ts";
import { PullsService } from "../rpc/gen/damselfly/v1/pulls.ts";
import { DfdaemonUploadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Clock } from "../runtime/clock.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";

/** What connections to hosts are protected with. */
export interface HostTls {
  readonly seeds?: TlsFiles | undefined;
  readonly peers?: TlsFiles | undefined;
}

/** How {@link HostChannels} connect. */
export interface HostChannelsOptions extends HostTls {
  readonly clock: Clock;
  /** Seed peers, and other peers, that are talked to at a time. */
  readonly channelsMax: number;
  readonly connectTimeoutMs: number;
}

/** Connections to hosts of both kinds, which may be protected differently. */
export class HostChannels implements Disposable {
  readonly #seeds: RpcChannels;
  readonly #peers: RpcChannels;

  constructor({ seeds, peers, ...limits }: HostChannelsOptions) {
    this.#seeds = new RpcChannels({ ...limits, tls: seeds });
    this.#peers = new RpcChannels({ ...limits, tls: peers });
  }

  /** What a host can be asked. A call fails with `resource_exhausted` if too many others are asked. */
  client(host: Host): RpcClient<typeof DfdaemonUploadService> {
    return this.#channels(host).client(DfdaemonUploadService, addressOf(host));
  }

  /** What a host of our make tells of its pulls; limited as {@link client} is. */
  pulls(host: Host): RpcClient<typeof PullsService> {
    return this.#channels(host).client(PullsService, addressOf(host));
  }

  #channels({ type }: Host): RpcChannels {
    return type === 0 ? this.#peers : this.#seeds;
  }

  [Symbol.dispose](): void {
    this.#seeds[Symbol.dispose]();
    this.#peers[Symbol.dispose]();
  }
}

function addressOf({ ip, port }: Host): string {
  return formatHostPort({ hostname: ip, port });
}
