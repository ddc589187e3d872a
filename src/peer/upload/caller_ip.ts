/** The address in the `ip:port` of a call's peer. A caller that is not known has none, and counts as nobody of this host. */
export function callerIp(peer: string): string {
  return peer.slice(0, Math.max(0, peer.lastIndexOf(":"))).replace(/^\[|\]$/g, "");
}
