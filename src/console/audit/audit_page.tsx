import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, pageOf } from "../api/client.ts";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Pager } from "../parts/pager.tsx";
import { Rows } from "../parts/rows.tsx";
import { submitted } from "../parts/submitted.ts";
import { useFormat, useText } from "../text/use_text.tsx";

const ROWS_PER_PAGE = 20;
const OPERATIONS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const ACTORS = ["USER", "PAT", "UNKNOWN"] as const;
const STATES = ["SUCCESS", "FAILURE"] as const;

export default function AuditPage() {
  const { audit, common } = useText();
  const format = useFormat();
  const { page, valueOf, setPage } = useListQuery();
  const actor_type = ACTORS.find((actor) => actor === valueOf("actor"));
  const state = STATES.find((one) => one === valueOf("state"));
  const asked = { path: valueOf("path"), operation: valueOf("operation"), actor_name: valueOf("user") };
  const query = useQuery({
    queryKey: ["audits", page, asked, actor_type, state],
    queryFn: ({ signal }) => {
      const kinds = { ...(actor_type === undefined ? {} : { actor_type }), ...(state === undefined ? {} : { state }) };
      const query = { ...asked, ...kinds, page, per_page: ROWS_PER_PAGE };
      return pageOf(api.GET("/api/v1/audits", { params: { query }, signal }));
    },
    placeholderData: (before) => before,
  });
  return (
    <>
      <PageTitle>{audit.title}</PageTitle>
      <Filters />
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows
              caption={audit.title}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                { title: audit.operation, cell: ({ operation }) => operation },
                { title: audit.actorType, cell: ({ actor_type }) => audit.actors[actor_type] },
                { title: audit.user, cell: ({ actor_name }) => actor_name || "-" },
                { title: audit.path, cell: ({ path }) => <span className="long">{path}</span> },
                { title: audit.statusCode, cell: ({ status_code }) => status_code },
                { title: common.status, cell: ({ state }) => state === "SUCCESS" ? audit.success : audit.failure },
                { title: audit.operatedAt, cell: ({ operated_at }) => format.time(operated_at) },
              ]}
            />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Filters() {
  const { audit, common } = useText();
  const { valueOf, set } = useListQuery();
  const all = { value: "", label: common.all };
  return (
    <form onSubmit={submitted(set)} className="filters">
      <TextInput
        name="path"
        label={audit.path}
        description={audit.exact}
        maxLength={1_024}
        defaultValue={valueOf("path")}
      />
      <TextInput name="user" label={audit.user} maxLength={256} defaultValue={valueOf("user")} />
      <NativeSelect
        name="operation"
        label={audit.operation}
        defaultValue={valueOf("operation")}
        data={[all, ...OPERATIONS.map((value) => ({ value, label: value }))]}
      />
      <NativeSelect
        name="actor"
        label={audit.actorType}
        defaultValue={valueOf("actor")}
        data={[all, ...ACTORS.map((value) => ({ value, label: audit.actors[value] }))]}
      />
      <NativeSelect
        name="state"
        label={common.status}
        defaultValue={valueOf("state")}
        data={[all, { value: "SUCCESS", label: audit.success }, { value: "FAILURE", label: audit.failure }]}
      />
      <Button type="submit">{common.search}</Button>
    </form>
  );
}
