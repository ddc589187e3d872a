import { api, dataOf, idPath } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { ClusterFrame } from "../clusters/cluster_frame.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { featureNames } from "./features.ts";
import { RemoveInactive } from "./remove_inactive.tsx";
import { listSchedulers } from "./service_queries.ts";
import { ServiceTable } from "./service_table.tsx";

export default function SchedulersPage() {
  return <ClusterFrame>{({ scheduler_cluster_id: id }) => <Schedulers clusterId={id} />}</ClusterFrame>;
}

function Schedulers({ clusterId }: { readonly clusterId: number }) {
  const { clusters, services } = useText();
  const mayChange = useMay("schedulers");
  const list = listSchedulers(clusterId);
  return (
    <ServiceTable
      name="schedulers"
      title={clusters.schedulers}
      clusterId={clusterId}
      list={list}
      pathOf={({ id }) => pathTo(PATHS.scheduler, { id: clusterId, schedulerId: id })}
      columns={[{ title: services.features, cell: ({ features }) => featureNames(features, services) }]}
      actions={(count) =>
        mayChange && (
          <RemoveInactive
            {...{ name: "schedulers", count, list }}
            remove={(id) => dataOf(api.DELETE("/api/v1/schedulers/{id}", idPath(id)))}
          />
        )}
    />
  );
}
