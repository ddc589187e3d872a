import { api, dataOf, idPath } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { ClusterFrame } from "../clusters/cluster_frame.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { RemoveInactive } from "./remove_inactive.tsx";
import { listSeedPeers } from "./service_queries.ts";
import { ServiceTable } from "./service_table.tsx";

export default function SeedPeersPage() {
  return (
    <ClusterFrame>
      {({ id, seed_peer_cluster_id }) => <SeedPeers clusterId={id} seedPeerClusterId={seed_peer_cluster_id} />}
    </ClusterFrame>
  );
}

function SeedPeers(
  { clusterId, seedPeerClusterId }: { readonly clusterId: number; readonly seedPeerClusterId: number },
) {
  const { clusters, services } = useText();
  const mayChange = useMay("seed-peers");
  const list = listSeedPeers(seedPeerClusterId);
  return (
    <ServiceTable
      name="seed-peers"
      title={clusters.seedPeers}
      clusterId={seedPeerClusterId}
      list={list}
      pathOf={({ id }) => pathTo(PATHS.seedPeer, { id: clusterId, seedPeerId: id })}
      columns={[
        { title: services.downloadPort, cell: ({ download_port }) => download_port },
        { title: services.type, cell: ({ type }) => type },
      ]}
      actions={(count) =>
        mayChange && (
          <RemoveInactive
            {...{ name: "seed-peers", count, list }}
            remove={(id) => dataOf(api.DELETE("/api/v1/seed-peers/{id}", idPath(id)))}
          />
        )}
    />
  );
}
