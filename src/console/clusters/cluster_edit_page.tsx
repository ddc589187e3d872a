import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import { api, dataOf, idPath } from "../api/client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { clusterQuery } from "./cluster.ts";
import { type ClusterBody, draftOf } from "./cluster_draft.ts";
import { ClusterForm } from "./cluster_form.tsx";

export default function ClusterEditPage() {
  const { id = "" } = useParams();
  const { common, clusters } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const query = useQuery(clusterQuery(id));
  const back = () => navigate(pathTo(PATHS.cluster, { id }));
  const { mutate, error, isPending } = useMutation({
    mutationFn: (body: ClusterBody) => dataOf(api.PATCH("/api/v1/clusters/{id}", { ...idPath(id), body })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["clusters"] });
      await back();
    },
  });
  return (
    <>
      <PageTitle>{clusters.editTitle}</PageTitle>
      <Loaded query={query}>
        {(cluster) => (
          <ClusterForm
            {...{ start: draftOf(cluster), label: common.save, error, isPending }}
            onSubmit={mutate}
            onCancel={back}
          />
        )}
      </Loaded>
    </>
  );
}
