import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { api, dataOf, idPath, type Schemas } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { ClusterFrame } from "../clusters/cluster_frame.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Panel } from "../parts/panel.tsx";
import { StatusBadge } from "../parts/status_badge.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";

type SeedPeer = Pick<
  Schemas["SeedPeer"],
  | "id"
  | "host_name"
  | "ip"
  | "port"
  | "download_port"
  | "object_storage_port"
  | "type"
  | "state"
  | "idc"
  | "location"
  | "created_at"
  | "updated_at"
  | "seed_peer_cluster_id"
>;

export default function SeedPeerPage() {
  const { id = "", seedPeerId = "" } = useParams();
  const mayChange = useMay("seed-peers");
  const query = useQuery({
    queryKey: ["seed-peers", "one", seedPeerId],
    queryFn: ({ signal }) => dataOf(api.GET("/api/v1/seed-peers/{id}", { ...idPath(seedPeerId), signal })),
  });
  return (
    <ClusterFrame>
      {() => (
        <Loaded query={query}>
          {(seedPeer) => (
            <>
              <Details seedPeer={seedPeer} />
              {mayChange && <Remove seedPeer={seedPeer} clusterId={id} />}
            </>
          )}
        </Loaded>
      )}
    </ClusterFrame>
  );
}

function Details({ seedPeer }: { readonly seedPeer: SeedPeer }) {
  const { common, services } = useText();
  const format = useFormat();
  return (
    <Panel title={`${services.seedPeer} ${seedPeer.host_name}`}>
      <Facts
        facts={[
          { label: common.id, value: seedPeer.id },
          { label: services.hostname, value: seedPeer.host_name },
          { label: services.ip, value: seedPeer.ip },
          { label: services.port, value: seedPeer.port },
          { label: services.downloadPort, value: seedPeer.download_port },
          { label: services.objectStoragePort, value: seedPeer.object_storage_port },
          { label: services.type, value: seedPeer.type },
          { label: services.clusterId, value: seedPeer.seed_peer_cluster_id },
          { label: common.status, value: <StatusBadge state={seedPeer.state} /> },
          { label: services.idc, value: seedPeer.idc },
          { label: services.location, value: seedPeer.location },
          { label: common.createdAt, value: format.time(seedPeer.created_at) },
          { label: common.updatedAt, value: format.time(seedPeer.updated_at) },
        ]}
      />
    </Panel>
  );
}

function Remove({ seedPeer, clusterId }: { readonly seedPeer: SeedPeer; readonly clusterId: string }) {
  const { common, services } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  return (
    <Confirmed
      label={common.remove}
      title={services.removeTitle(seedPeer.host_name)}
      hint={services.removeHint}
      word={seedPeer.host_name}
      run={() => dataOf(api.DELETE("/api/v1/seed-peers/{id}", idPath(seedPeer.id)))}
      onDone={async () => {
        await navigate(pathTo(PATHS.seedPeers, { id: clusterId }));
        await queries.invalidateQueries({ queryKey: ["seed-peers"] });
      }}
    />
  );
}
