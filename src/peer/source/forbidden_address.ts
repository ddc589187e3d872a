import { DamselflyError } from "../../core/error.ts";
import { parseCidr } from "../../core/ip.ts";

/** Cloud metadata services live here; no source does. Configure the endpoint as an upstream if one really does. */
const LINK_LOCAL = ["169.254.0.0/16", "0.0.0.0/8", "64:ff9b::a9fe:0/112", "fe80::/10", "fd00:ec2::254/128", "::/128"]
  .map(parseCidr);

/** Whether an address is a link-local one, or none at all. */
export function isLinkLocal(ip: string): boolean {
  return LINK_LOCAL.some((block) => block.contains(ip));
}

/**
 * Throws `permission_denied` for an address that no source has, for whoever asks us need not be able to reach it
 * himself. It looks at addresses only: what a name stands for is not known here.
 */
export function refuseForbiddenAddress({ hostname, origin }: URL): void {
  if (!isLinkLocal(hostname.replace(/^\[|\]$/g, ""))) return;
  throw new DamselflyError(
    "permission_denied",
    `Cannot fetch from ${origin}: it is a link-local address; ` +
      "if a registry is there, configure it under proxy.registryMirror.upstreams",
  );
}
