/** The port of a URL, that of its scheme if it names none. */
export function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === "https:" ? "443" : "80"));
}

/** The host of a URL, an IPv6 address without brackets. */
export function bareHost({ hostname }: Pick<URL, "hostname">): string {
  return hostname.replace(/^\[|\]$/g, "");
}
