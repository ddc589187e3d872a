import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, pageOf } from "../api/client.ts";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Pager } from "../parts/pager.tsx";
import { type Column, Rows } from "../parts/rows.tsx";
import { useText } from "../text/use_text.tsx";
import { type Job, RUNNING_INTERVAL_MS } from "./job.ts";

const ROWS_PER_PAGE = 20;
const STATES = ["PENDING", "SUCCESS", "FAILURE"] as const;

/** A page of the jobs of a type, the newest first; looked at again while one of them runs. */
export function JobList(
  { type, title, columns }: { readonly type: string; readonly title: string; readonly columns: readonly Column<Job>[] },
) {
  const { common, jobs } = useText();
  const { page, valueOf, set, setPage } = useListQuery();
  const state = STATES.find((one) => one === valueOf("state"));
  const query = useQuery({
    queryKey: ["jobs", "list", type, state, page],
    queryFn: ({ signal }) => {
      const query = { type, page, per_page: ROWS_PER_PAGE, ...(state === undefined ? {} : { state }) };
      return pageOf<Job>(api.GET("/api/v1/jobs", { params: { query }, signal }));
    },
    placeholderData: (before) => before,
    refetchInterval: ({ state: { data } }) => {
      return data?.rows.some((job) => job.state === "PENDING") === true ? RUNNING_INTERVAL_MS : false;
    },
  });
  return (
    <>
      <div className="filters">
        <SegmentedControl
          aria-label={common.status}
          value={state ?? ""}
          onChange={(value) => set({ state: value })}
          data={[{ value: "", label: common.all }, ...STATES.map((value) => ({ value, label: jobs.states[value] }))]}
        />
      </div>
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows caption={title} rows={rows} keyOf={({ id }) => id} columns={columns} />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </>
  );
}
