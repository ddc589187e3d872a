import { Button, Group } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, pageOf, type Schemas } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { download } from "../browser/download.ts";
import { Confirmed } from "../parts/confirmed.tsx";
import { Failure } from "../parts/failure.tsx";
import { useText } from "../text/use_text.tsx";
import { csvOf } from "../parts/csv.ts";

const ROWS_AT_A_TIME = 500;
const COLUMNS = [
  ...["id", "host_name", "type", "idc", "location", "ip", "port", "download_port", "proxy_port", "object_storage_port"],
  ...["state", "os", "platform", "platform_family", "platform_version", "kernel_version", "git_version", "git_commit"],
  ...["build_platform", "scheduler_cluster_id", "created_at", "updated_at"],
];

/** What can be done with all peers of a cluster. */
export function PeerActions({ clusterId }: { readonly clusterId: number }) {
  const { peers } = useText();
  const queries = useQueryClient();
  const mayOrder = useMay("jobs");
  const sync = () => {
    return dataOf(api.POST("/api/v1/jobs", { body: { type: "sync_peers", scheduler_cluster_ids: [clusterId] } }));
  };
  return (
    <Group mb="md">
      {mayOrder && (
        <Confirmed
          {...{ label: peers.refresh, title: peers.refresh, hint: peers.refreshHint, run: sync }}
          button={{ color: "blue" }}
          onDone={() => queries.invalidateQueries({ queryKey: ["peers"] })}
        />
      )}
      <Export clusterId={clusterId} />
    </Group>
  );
}

/** Saves all peers as a file, read a page at a time. */
function Export({ clusterId }: { readonly clusterId: number }) {
  const { peers } = useText();
  const [count, setCount] = useState(0);
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () => {
      const all: Omit<Schemas["Peer"], "scheduler_cluster">[] = [];
      let pages = 1;
      for (let page = 1; page <= pages; page++) {
        const query = { scheduler_cluster_id: String(clusterId), page, per_page: ROWS_AT_A_TIME };
        const read = await pageOf(api.GET("/api/v1/peers", { params: { query } }));
        all.push(...read.rows);
        pages = read.pages;
        setCount(all.length);
      }
      download(`peers-${clusterId}.csv`, "text/csv", csvOf(COLUMNS, all));
    },
  });
  return (
    <>
      {error !== null && <Failure error={error} />}
      <Button variant="default" disabled={isPending} onClick={() => mutate()}>
        {isPending ? peers.exporting(count) : peers.export}
      </Button>
    </>
  );
}
