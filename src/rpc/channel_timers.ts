import type { Client } from "@grpc/grpc-js";

type Timer = Parameters<typeof clearTimeout>[0];

/** The parts of grpc-js 1.14 that hold the timers; none of them is public. */
interface Internals {
  readonly internalChannel?: {
    readonly subchannelPool?: { readonly pool?: Readonly<Record<string, readonly { subchannel: Subchannel }[]>> };
    readonly resolvingLoadBalancer?: { readonly childLoadBalancer?: ChildLoadBalancer };
  };
}

interface ChildLoadBalancer {
  readonly currentChild?: { readonly connectionDelayTimeout?: Timer } | null;
  updateAddressList?: () => boolean;
}

interface Subchannel {
  readonly backoffTimeout?: { stop(): void };
  readonly transport?: { clearKeepaliveTimeout?: () => void } | null;
  startBackoff?: () => void;
}

/**
 * Stops the timers that grpc-js forgets when a channel is closed while it connects, or after it failed to; and that of
 * the next ping, which it leaves to the end of the connection, though a call that was cancelled a moment ago may hold
 * that up. To be called before closing; leaves nothing behind for up to two seconds of pause between attempts.
 */
export function stopConnecting(client: Client): void {
  const { internalChannel } = client.getChannel() as Internals;
  const balancer = internalChannel?.resolvingLoadBalancer?.childLoadBalancer;
  if (balancer !== undefined) {
    clearTimeout(balancer.currentChild?.connectionDelayTimeout);
    balancer.updateAddressList = () => false; // addresses that are still on their way are not connected to any more
  }
  for (const { subchannel } of Object.values(internalChannel?.subchannelPool?.pool ?? {}).flat()) {
    subchannel.backoffTimeout?.stop();
    subchannel.transport?.clearKeepaliveTimeout?.();
    subchannel.startBackoff = () => {};
  }
}
