import { Badge, Button, Group, Modal, Radio, Stack } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, dataOf, idPath, pageOf } from "../api/client.ts";
import { useMay, useSession } from "../api/session.tsx";
import { Failure } from "../parts/failure.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Pager } from "../parts/pager.tsx";
import { Rows } from "../parts/rows.tsx";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { giveRole } from "./roles.ts";

const ROWS_PER_PAGE = 20;

interface User {
  readonly id: number;
  readonly name: string;
  readonly state: "enable" | "disable";
}

export default function UsersPage() {
  const { common, door, services, users } = useText();
  const format = useFormat();
  const mayChange = useMay("users");
  const { page, setPage } = useListQuery();
  const query = useQuery({
    queryKey: ["users", page],
    queryFn: ({ signal }) => {
      return pageOf(api.GET("/api/v1/users", { params: { query: { page, per_page: ROWS_PER_PAGE } }, signal }));
    },
    placeholderData: (before) => before,
  });
  const add = <Button component={Link} to={PATHS.userNew}>{users.add}</Button>;
  return (
    <>
      <PageTitle actions={mayChange && add}>{users.title}</PageTitle>
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows
              caption={users.title}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                { title: common.name, cell: ({ name }) => name },
                { title: door.email, cell: ({ email }) => email || "-" },
                { title: services.location, cell: ({ location }) => location || "-" },
                { title: users.state, cell: ({ state }) => <State state={state} /> },
                { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
                ...(mayChange ? [{ title: common.operation, cell: (user: User) => <Operations user={user} /> }] : []),
              ]}
            />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </>
  );
}

function State({ state }: Pick<User, "state">) {
  const { users } = useText();
  const isOn = state === "enable";
  return <Badge variant="light" color={isOn ? "green" : "red"}>{isOn ? users.enabled : users.disabled}</Badge>;
}

function Operations({ user }: { readonly user: User }) {
  const { users } = useText();
  const { user: self } = useSession();
  const queries = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => {
      const body = { state: user.state === "enable" ? "disable" as const : "enable" as const };
      return dataOf(api.PATCH("/api/v1/users/{id}", { ...idPath(user.id), body }));
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["users"] }),
  });
  if (user.id === self.id) return users.own;
  return (
    <Group gap="xs">
      {error !== null && <Failure error={error} />}
      <Button size="xs" variant="default" onClick={() => setOpen(true)} aria-label={users.rolesOf(user.name)}>
        {users.roles}
      </Button>
      <Button size="xs" variant="default" loading={isPending} onClick={() => mutate()}>
        {user.state === "enable" ? users.disable : users.enable}
      </Button>
      {isOpen && <Roles user={user} onClose={() => setOpen(false)} />}
    </Group>
  );
}

/** Gives a user one role in place of those that he has. */
function Roles({ user: { id, name }, onClose }: { readonly user: User; readonly onClose: () => void }) {
  const { common, users } = useText();
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["users", id, "roles"],
    queryFn: async ({ signal }) => {
      const [all, own] = await Promise.all([
        dataOf(api.GET("/api/v1/roles", { signal })),
        dataOf(api.GET("/api/v1/users/{id}/roles", { ...idPath(id), signal })),
      ]);
      return { all, own };
    },
  });
  const { mutate, error, isPending } = useMutation({
    mutationFn: (role: string) => giveRole(id, role, query.data?.own ?? []),
    onSettled: () => queries.invalidateQueries({ queryKey: ["users", id, "roles"] }),
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={users.rolesOf(name)}
      lockScroll={false}
      closeButtonProps={{ "aria-label": common.close }}
    >
      {error !== null && <Failure error={error} />}
      <Loaded query={query}>
        {({ all, own }) => (
          <Radio.Group label={users.roles} value={own[0] ?? ""} onChange={mutate}>
            <Stack gap="xs" mt="xs">
              {all.map((role) => <Radio key={role} value={role} label={role} disabled={isPending} />)}
            </Stack>
          </Radio.Group>
        )}
      </Loaded>
    </Modal>
  );
}
