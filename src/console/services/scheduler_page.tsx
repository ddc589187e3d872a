import { Checkbox, Group } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { api, dataOf, idPath, type Schemas } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { ClusterFrame } from "../clusters/cluster_frame.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { Facts } from "../parts/facts.tsx";
import { Failure } from "../parts/failure.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Panel } from "../parts/panel.tsx";
import { StatusBadge } from "../parts/status_badge.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { type Feature, featureNames, FEATURES, isFeature } from "./features.ts";

type Scheduler = Pick<
  Schemas["Scheduler"],
  | "id"
  | "host_name"
  | "ip"
  | "port"
  | "state"
  | "features"
  | "idc"
  | "location"
  | "created_at"
  | "updated_at"
  | "last_keep_alive_at"
  | "scheduler_cluster_id"
>;

export default function SchedulerPage() {
  const { schedulerId = "" } = useParams();
  const query = useQuery({
    queryKey: ["schedulers", "one", schedulerId],
    queryFn: ({ signal }) => dataOf(api.GET("/api/v1/schedulers/{id}", { ...idPath(schedulerId), signal })),
  });
  return (
    <ClusterFrame>
      {() => <Loaded query={query}>{(scheduler) => <Details scheduler={scheduler} />}</Loaded>}
    </ClusterFrame>
  );
}

function Details({ scheduler }: { readonly scheduler: Scheduler }) {
  const { common, services } = useText();
  const format = useFormat();
  const mayChange = useMay("schedulers");
  return (
    <>
      <Panel title={`${services.scheduler} ${scheduler.host_name}`}>
        <Facts
          facts={[
            { label: common.id, value: scheduler.id },
            { label: services.hostname, value: scheduler.host_name },
            { label: services.ip, value: scheduler.ip },
            { label: services.port, value: scheduler.port },
            { label: services.clusterId, value: scheduler.scheduler_cluster_id },
            { label: common.status, value: <StatusBadge state={scheduler.state} /> },
            { label: services.features, value: featureNames(scheduler.features, services) },
            { label: services.idc, value: scheduler.idc },
            { label: services.location, value: scheduler.location },
            { label: services.lastSeen, value: format.time(scheduler.last_keep_alive_at) },
            { label: common.createdAt, value: format.time(scheduler.created_at) },
            { label: common.updatedAt, value: format.time(scheduler.updated_at) },
          ]}
        />
      </Panel>
      {mayChange && <Features scheduler={scheduler} />}
      {mayChange && <Remove scheduler={scheduler} />}
    </>
  );
}

function Features({ scheduler: { id, features } }: { readonly scheduler: Scheduler }) {
  const { services } = useText();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: (wanted: Feature[]) => {
      return dataOf(api.PATCH("/api/v1/schedulers/{id}", { ...idPath(id), body: { features: wanted } }));
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["schedulers"] }),
  });
  const toggle = (feature: Feature, isOn: boolean) => {
    mutate([...features.filter(isFeature).filter((other) => other !== feature), ...(isOn ? [feature] : [])]);
  };
  return (
    <Panel title={services.editFeatures}>
      {error !== null && <Failure error={error} />}
      <Group>
        {FEATURES.map((feature) => (
          <Checkbox
            key={feature}
            label={services[feature]}
            checked={features.includes(feature)}
            disabled={isPending}
            onChange={(event) => toggle(feature, event.currentTarget.checked)}
          />
        ))}
      </Group>
    </Panel>
  );
}

function Remove({ scheduler }: { readonly scheduler: Scheduler }) {
  const { common, services } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  return (
    <Confirmed
      label={common.remove}
      title={services.removeTitle(scheduler.host_name)}
      hint={services.removeHint}
      word={scheduler.host_name}
      run={() => dataOf(api.DELETE("/api/v1/schedulers/{id}", idPath(scheduler.id)))}
      onDone={async () => {
        await navigate(pathTo(PATHS.schedulers, { id: scheduler.scheduler_cluster_id }));
        await queries.invalidateQueries({ queryKey: ["schedulers"] });
      }}
    />
  );
}
