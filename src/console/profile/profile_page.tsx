import { Alert, Button, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, dataOf, idPath } from "../api/client.ts";
import { useNewSession, useSession } from "../api/session.tsx";
import { PasswordForm } from "../door/change_password.tsx";
import { Facts } from "../parts/facts.tsx";
import { Failure } from "../parts/failure.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { useFormat, useText } from "../text/use_text.tsx";

const LINE_CHARACTERS_MAX = 256;
const BIO_CHARACTERS_MAX = 1_000;

export default function ProfilePage() {
  const { profile } = useText();
  const { user } = useSession();
  return (
    <>
      <PageTitle>{profile.title}</PageTitle>
      <Account />
      <Panel title={profile.security}>
        <PasswordForm user={user} />
      </Panel>
    </>
  );
}

function Account() {
  const { common, profile } = useText();
  const { user } = useSession();
  const format = useFormat();
  const { data: roles } = useQuery({
    queryKey: ["users", user.id, "roles"],
    queryFn: ({ signal }) => dataOf(api.GET("/api/v1/users/{id}/roles", { ...idPath(user.id), signal })),
  });
  return (
    <Panel title={user.name}>
      <Facts
        facts={[
          { label: common.name, value: user.name },
          { label: profile.roles, value: roles?.join(", ") },
          { label: common.createdAt, value: format.time(user.created_at) },
        ]}
      />
      <Fields />
    </Panel>
  );
}

function Fields() {
  const { common, door, profile } = useText();
  const { user } = useSession();
  const newSession = useNewSession();
  const { mutate, error, isPending, isSuccess } = useMutation({
    mutationFn: ({ email = "", phone = "", location = "", bio = "" }: Record<string, string>) => {
      return dataOf(api.PATCH("/api/v1/users/{id}", { ...idPath(user.id), body: { email, phone, location, bio } }));
    },
    onSuccess: newSession,
  });
  const line = { maxLength: LINE_CHARACTERS_MAX };
  return (
    <form onSubmit={submitted(mutate)}>
      <Stack mt="md">
        {error !== null && <Failure error={error} />}
        {isSuccess && <Alert color="green" role="status">{profile.saved}</Alert>}
        <TextInput
          {...line}
          name="email"
          type="email"
          label={door.email}
          defaultValue={user.email}
          autoComplete="email"
        />
        <TextInput
          {...line}
          name="phone"
          type="tel"
          label={profile.phone}
          defaultValue={user.phone}
          autoComplete="tel"
        />
        <TextInput {...line} name="location" label={profile.location} defaultValue={user.location} />
        <Textarea name="bio" label={profile.bio} defaultValue={user.bio} maxLength={BIO_CHARACTERS_MAX} />
        <Button type="submit" loading={isPending}>{common.save}</Button>
      </Stack>
    </form>
  );
}
