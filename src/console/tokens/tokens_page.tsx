import { Button, Group, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, dataOf, idPath, pageOf } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { Failure } from "../parts/failure.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Pager } from "../parts/pager.tsx";
import { Rows } from "../parts/rows.tsx";
import { StatusBadge } from "../parts/status_badge.tsx";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";

const ROWS_PER_PAGE = 20;

interface Token {
  readonly id: number;
  readonly name: string;
  readonly state: "active" | "inactive";
}

export default function TokensPage() {
  const { common, tokens } = useText();
  const format = useFormat();
  const mayChange = useMay("personal-access-tokens");
  const { page, setPage } = useListQuery();
  const query = useQuery({
    queryKey: ["tokens", page],
    queryFn: ({ signal }) => {
      const query = { page, per_page: ROWS_PER_PAGE };
      return pageOf(api.GET("/api/v1/personal-access-tokens", { params: { query }, signal }));
    },
    placeholderData: (before) => before,
  });
  const add = <Button component={Link} to={PATHS.tokenNew}>{tokens.add}</Button>;
  const scopeName = (scope: string) => scope === "job" || scope === "cluster" ? tokens[scope] : scope;
  return (
    <>
      <PageTitle actions={mayChange && add}>{tokens.title}</PageTitle>
      <Text c="dimmed" mb="md">{tokens.hint}</Text>
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows
              caption={tokens.title}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                { title: common.name, cell: ({ name }) => name },
                { title: common.description, cell: ({ bio }) => bio === "" ? "-" : bio },
                { title: tokens.scopes, cell: ({ scopes }) => scopes.map(scopeName).join(", ") },
                { title: common.status, cell: ({ state }) => <StatusBadge state={state} /> },
                { title: tokens.expiry, cell: ({ expired_at }) => format.time(expired_at) },
                { title: tokens.owner, cell: ({ user }) => user?.name ?? "-" },
                ...(mayChange
                  ? [{ title: common.operation, cell: (token: Token) => <Operations token={token} /> }]
                  : []),
              ]}
            />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Operations({ token: { id, name, state } }: { readonly token: Token }) {
  const { common, tokens } = useText();
  const queries = useQueryClient();
  const renew = () => queries.invalidateQueries({ queryKey: ["tokens"] });
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => {
      const body = { state: state === "active" ? "inactive" as const : "active" as const };
      return dataOf(api.PATCH("/api/v1/personal-access-tokens/{id}", { ...idPath(id), body }));
    },
    onSuccess: renew,
  });
  return (
    <Group gap="xs">
      {error !== null && <Failure error={error} />}
      <Button size="xs" variant="default" loading={isPending} onClick={() => mutate()}>
        {state === "active" ? tokens.disable : tokens.enable}
      </Button>
      <Confirmed
        {...{ label: common.remove, title: tokens.removeTitle(name), hint: tokens.removeHint, button: { size: "xs" } }}
        run={() => dataOf(api.DELETE("/api/v1/personal-access-tokens/{id}", idPath(id)))}
        onDone={renew}
      />
    </Group>
  );
}
