import { Button, Group, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api, dataOf } from "../api/client.ts";
import { AccountField, EmailField } from "../door/account_fields.tsx";
import { NewPasswordFields } from "../door/new_password_fields.tsx";
import { Failure } from "../parts/failure.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { submitted } from "../parts/submitted.ts";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";

export default function UserNewPage() {
  const { common, door, users } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ name = "", email = "", password = "" }: Record<string, string>) => {
      return dataOf(api.POST("/api/v1/users/signup", { body: { name, email, password } }));
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["users"] });
      await navigate(PATHS.users);
    },
  });
  return (
    <>
      <PageTitle>{users.add}</PageTitle>
      <form onSubmit={submitted(mutate)}>
        <Stack maw="36rem">
          {error !== null && <Failure error={error} />}
          <AccountField />
          <EmailField />
          <NewPasswordFields label={door.password} />
          <Group>
            <Button type="submit" loading={isPending}>{common.create}</Button>
            <Button variant="default" onClick={() => navigate(PATHS.users)}>{common.cancel}</Button>
          </Group>
        </Stack>
      </form>
    </>
  );
}
