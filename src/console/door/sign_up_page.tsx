import { Anchor, Button, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";
import { api, dataOf } from "../api/client.ts";
import { Failure } from "../parts/failure.tsx";
import { submitted } from "../parts/submitted.ts";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { Door } from "./door.tsx";
import { AccountField, EmailField } from "./account_fields.tsx";
import { NewPasswordFields } from "./new_password_fields.tsx";

export default function SignUpPage() {
  const { door } = useText();
  const navigate = useNavigate();
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ name = "", email = "", password = "" }: Record<string, string>) => {
      return dataOf(api.POST("/api/v1/users/signup", { body: { name, email, password } }));
    },
    onSuccess: () => navigate(PATHS.signIn, { state: { isNew: true } }),
  });
  return (
    <Door title={door.signUp}>
      <form onSubmit={submitted(mutate)}>
        <Stack>
          {error !== null && <Failure error={error} />}
          <AccountField />
          <EmailField />
          <NewPasswordFields label={door.password} />
          <Button type="submit" loading={isPending}>{door.signUp}</Button>
          <Text size="sm">
            {door.haveAccount} <Anchor inherit component={Link} to={PATHS.signIn}>{door.signIn}</Anchor>
          </Text>
        </Stack>
      </form>
    </Door>
  );
}
