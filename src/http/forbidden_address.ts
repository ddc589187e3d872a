import { addressesMeant, parseCidr } from "../core/ip.ts";

/**
 * Link-local addresses, none at all, and what clouds have elsewhere: there metadata services hand out the secrets of a
 * machine, and no source is. Configure the endpoint as an upstream if one really is.
 */
const FORBIDDEN = [
  ...["169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128"],
  // Of Alibaba Cloud and Azure; of AWS and Google Cloud in IPv6.
  ...["100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128"],
].map(parseCidr);

/** Whether an address leads to one that no source has. */
export function isForbidden(ip: string): boolean {
  return addressesMeant(ip).some((address) => FORBIDDEN.some((block) => block.contains(address)));
}
