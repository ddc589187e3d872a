import { NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { clustersQuery, foundClusters } from "../clusters/cluster.ts";
import { useText } from "../text/use_text.tsx";

/** Which cluster is looked at: the chosen one, or else the default one; undefined until they are known. */
export function useChosenCluster(chosen: string): { readonly id: string | undefined; readonly error: Error | null } {
  const { data, error } = useQuery(clustersQuery);
  const first = foundClusters(data ?? [], "")[0]?.id;
  return { id: chosen || (first === undefined ? undefined : String(first)), error };
}

/** Chooses a cluster; its name in a form is `cluster`. */
export function ClusterChoice({ value, onChange }: {
  readonly value: string | undefined;
  readonly onChange: (id: string) => void;
}) {
  const { swarm } = useText();
  const { data = [] } = useQuery(clustersQuery);
  return (
    <NativeSelect
      name="cluster"
      label={swarm.cluster}
      value={value ?? ""}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={foundClusters(data, "").map(({ id, name }) => ({ value: String(id), label: name }))}
    />
  );
}
