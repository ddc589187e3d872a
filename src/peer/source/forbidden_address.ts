import { isIPv4 } from "node:net";
import { DamselflyError } from "../../core/error.ts";
import { parseCidr } from "../../core/ip.ts";

/** Cloud metadata services live here; no source does. Configure the endpoint as an upstream if one really does. */
const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"].map(parseCidr);

/**
 * Throws `permission_denied` for an address that no source has, for whoever asks us need not be able to reach it
 * himself. It looks at addresses only: what a name stands for is not known here.
 */
export function refuseForbiddenAddress({ hostname, origin }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, "");
  const isForbidden = LINK_LOCAL.some((block) => block.contains(host)) || (isIPv4(host) && host.startsWith("0."));
  if (!isForbidden) return;
  throw new DamselflyError(
    "permission_denied",
    `Cannot fetch from ${origin}: it is a link-local address; ` +
      "if a registry is there, configure it under proxy.registryMirror.upstreams",
  );
}
