import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api, dataOf } from "../api/client.ts";
import { PageTitle } from "../parts/page_title.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { type ClusterBody, NEW_CLUSTER } from "./cluster_draft.ts";
import { ClusterForm } from "./cluster_form.tsx";

export default function ClusterNewPage() {
  const { common, clusters } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: (body: ClusterBody) => dataOf(api.POST("/api/v1/clusters", { body })),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ["clusters"] });
      await navigate(pathTo(PATHS.cluster, { id }));
    },
  });
  return (
    <>
      <PageTitle>{clusters.createTitle}</PageTitle>
      <ClusterForm
        {...{ start: NEW_CLUSTER, label: common.create, error, isPending }}
        onSubmit={mutate}
        onCancel={() => navigate(PATHS.clusters)}
      />
    </>
  );
}
