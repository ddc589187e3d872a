import { DamselflyError } from "../../core/error.ts";
import { parseCidr } from "../../core/ip.ts";

/**
 * Link-local addresses, none at all, and what clouds have elsewhere: there metadata services hand out the secrets of a
 * machine, and no source is. Configure the endpoint as an upstream if one really is.
 */
const FORBIDDEN = [
  ...["169.254.0.0/16", "64:ff9b::a9fe:0/112", "fe80::/10", "0.0.0.0/8", "::/128"],
  // Of Alibaba Cloud and Azure, each also behind NAT64; of AWS and Google Cloud in IPv6.
  ...["100.100.100.200/32", "64:ff9b::6464:64c8/128", "168.63.129.16/32", "64:ff9b::a83f:8110/128"],
  ...["fd00:ec2::254/128", "fd20:ce::254/128"],
].map(parseCidr);

/** Whether an address is one that no source has. */
export function isForbidden(ip: string): boolean {
  return FORBIDDEN.some((block) => block.contains(ip));
}

/**
 * Throws `permission_denied` for an address that no source has, for whoever asks us need not be able to reach it
 * himself. It looks at addresses only: what a name stands for is not known here.
 */
export function refuseForbiddenAddress({ hostname, origin }: URL): void {
  if (!isForbidden(hostname.replace(/^\[|\]$/g, ""))) return;
  throw new DamselflyError(
    "permission_denied",
    `Cannot fetch from ${origin}: no source has a link-local or metadata address; ` +
      "if a registry is there, configure it under proxy.registryMirror.upstreams",
  );
}
