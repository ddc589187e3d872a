import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, Navigate, useLocation } from "react-router";
import { ApiError } from "../api/client.ts";
import { useNewSession, useSessionQuery } from "../api/session.tsx";
import { submitted } from "../parts/submitted.ts";
import { Failure } from "../parts/failure.tsx";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { Door } from "./door.tsx";
import { pageAfter, signIn } from "./sign_in.ts";

export default function SignInPage() {
  const { door } = useText();
  const { search, state } = useLocation();
  const { data: session } = useSessionQuery();
  const newSession = useNewSession();
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ name = "", password = "" }: Record<string, string>) => signIn(name, password),
    onSuccess: newSession,
  });
  if (session !== undefined && session.user !== null) return <Navigate to={pageAfter(search)} replace />;
  const isNew = (state as { readonly isNew?: boolean } | null)?.isNew === true;
  const isWrong = error instanceof ApiError && error.status === 401;
  return (
    <Door title={door.signIn}>
      <form onSubmit={submitted(mutate)}>
        <Stack>
          {isNew && <Alert color="green" role="status">{door.welcome}</Alert>}
          {isWrong && <Alert color="red" role="alert">{door.wrong}</Alert>}
          {error !== null && !isWrong && <Failure error={error} />}
          <TextInput name="name" label={door.account} autoComplete="username" required autoFocus />
          <PasswordInput name="password" label={door.password} autoComplete="current-password" required />
          <Button type="submit" loading={isPending}>{door.signIn}</Button>
          {session?.open_sign_up === true && (
            <Text size="sm">
              {door.noAccount} <Anchor inherit component={Link} to={PATHS.signUp}>{door.signUp}</Anchor>
            </Text>
          )}
        </Stack>
      </form>
    </Door>
  );
}
