import * as os from "node:os";

/** Addresses of the machine's interfaces, IPv4 first, loopback last. */
export function localIps(): string[] {
  const rank = (address: os.NetworkInterfaceInfo) => Number(address.internal) * 2 + Number(address.family !== "IPv4");
  return Object.values(os.networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.address.toLowerCase().startsWith("fe80"))
    .sort((a, b) => rank(a) - rank(b))
    .map((address) => address.address);
}
