import { Alert, Button, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { api, ApiError, dataOf, idPath } from "../api/client.ts";
import { useNewSession, type User } from "../api/session.tsx";
import { Failure } from "../parts/failure.tsx";
import { submitted } from "../parts/submitted.ts";
import { useText } from "../text/use_text.tsx";
import { Door } from "./door.tsx";
import { NewPasswordFields } from "./new_password_fields.tsx";
import { signIn } from "./sign_in.ts";

interface Props {
  readonly user: User;
}

/** In place of every page as long as the manager allows nothing else. */
export function ChangePassword({ user }: Props) {
  const { door } = useText();
  return (
    <Door title={door.changeTitle}>
      <Stack>
        <Text>{door.changeWhy(user.name)}</Text>
        <PasswordForm user={user} />
      </Stack>
    </Door>
  );
}

/** Changes the password of whoever is signed in, and stays signed in: the change ends all his sessions. */
export function PasswordForm({ user: { id, name } }: Props) {
  const { door } = useText();
  const newSession = useNewSession();
  const { mutate, error, isPending, isSuccess } = useMutation({
    mutationFn: async ({ old = "", password = "" }: Record<string, string>) => {
      const body = { old_password: old, new_password: password };
      await dataOf(api.POST("/api/v1/users/{id}/reset_password", { ...idPath(id), body }));
      await signIn(name, password);
    },
    onSuccess: newSession,
  });
  const isWrong = error instanceof ApiError && error.status === 401;
  return (
    <form onSubmit={submitted(mutate)}>
      <Stack>
        {isWrong && <Alert color="red" role="alert">{door.wrong}</Alert>}
        {error !== null && !isWrong && <Failure error={error} />}
        {isSuccess && <Alert color="green" role="status">{door.changed}</Alert>}
        <PasswordInput name="old" label={door.oldPassword} autoComplete="current-password" required />
        <NewPasswordFields label={door.newPassword} />
        <Button type="submit" loading={isPending}>{door.change}</Button>
      </Stack>
    </form>
  );
}
