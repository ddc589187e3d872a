import type { Host } from "../../rpc/gen/common/v2/common.ts";
import type { PeerInput } from "../store/peers.ts";
import { hostTypeName } from "./job_result.ts";

/** The peers of a cluster by what its scheduler says; one for each host name and address. */
export function peersOf(clusterId: number, hosts: readonly Host[]): PeerInput[] {
  const peers = hosts.map((host) => peerOf(clusterId, host));
  return [...new Map(peers.map((peer) => [`${peer.hostname} ${peer.ip}`, peer])).values()];
}

function peerOf(clusterId: number, host: Host): PeerInput {
  const { hostname, ip, type, port, downloadPort, proxyPort, network, build } = host;
  const { os, platform, platformFamily, platformVersion, kernelVersion } = host;
  return {
    ...{ clusterId, hostname, ip, type: hostTypeName(type), port, downloadPort, proxyPort, objectStoragePort: 0 },
    ...{ idc: network?.idc ?? "", location: network?.location ?? "", state: "active" as const },
    ...{ os, platform, platformFamily, platformVersion, kernelVersion },
    ...{ gitVersion: build?.gitVersion ?? "", gitCommit: build?.gitCommit ?? "" },
    buildPlatform: build?.platform ?? "",
  };
}
