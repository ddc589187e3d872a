import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Code,
  CopyButton,
  Group,
  NativeSelect,
  Stack,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { api, dataOf } from "../api/client.ts";
import { useSession } from "../api/session.tsx";
import { nowMs } from "../browser/clock.ts";
import { Failure } from "../parts/failure.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { submitted } from "../parts/submitted.ts";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { EXPIRIES, type Expiry, expiryTime } from "./expiry.ts";

const NAME_CHARACTERS_MAX = 100;
const BIO_CHARACTERS_MAX = 400;

export default function TokenNewPage() {
  const { common, tokens } = useText();
  const { user } = useSession();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { mutate, data: made, error, isPending } = useMutation({
    mutationFn: ({ name = "", bio = "", expiry = "", day = "", job, cluster }: Record<string, string>) => {
      const scopes = [
        ...(job === undefined ? [] : ["job" as const]),
        ...(cluster === undefined ? [] : ["cluster" as const]),
      ];
      const expired_at = expiryTime(expiry as Expiry, day, nowMs());
      return dataOf(api.POST("/api/v1/personal-access-tokens", {
        body: { name, bio, scopes, user_id: user.id, expired_at },
      }));
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tokens"] }),
  });
  if (made !== undefined) return <Made secret={made.token} />;
  return (
    <>
      <PageTitle>{tokens.add}</PageTitle>
      <form onSubmit={submitted(mutate)}>
        <Stack maw="36rem">
          {error !== null && <Failure error={error} />}
          <TextInput name="name" label={common.name} required maxLength={NAME_CHARACTERS_MAX} />
          <Textarea name="bio" label={common.description} maxLength={BIO_CHARACTERS_MAX} />
          <ExpiryFields />
          <Scopes />
          <Group>
            <Button type="submit" loading={isPending}>{common.create}</Button>
            <Button variant="default" onClick={() => navigate(PATHS.tokens)}>{common.cancel}</Button>
          </Group>
        </Stack>
      </form>
    </>
  );
}

function ExpiryFields() {
  const { tokens } = useText();
  const [expiry, setExpiry] = useState<Expiry>("30");
  const labelOf = (value: Expiry) => {
    if (value === "never") return tokens.never;
    return value === "custom" ? tokens.custom : tokens.days(Number(value));
  };
  return (
    <>
      <NativeSelect
        name="expiry"
        label={tokens.expiry}
        value={expiry}
        onChange={(event) => setExpiry(event.currentTarget.value as Expiry)}
        data={EXPIRIES.map((value) => ({ value, label: labelOf(value) }))}
      />
      {expiry === "custom" && <TextInput name="day" type="date" label={tokens.custom} required />}
    </>
  );
}

/** What a token opens: one thing at least, for the manager gives a token that names none the rights of all. */
function Scopes() {
  const { tokens } = useText();
  const [scopes, setScopes] = useState({ job: true, cluster: false });
  const box = (scope: keyof typeof scopes) => (
    <Checkbox
      name={scope}
      label={tokens[scope]}
      checked={scopes[scope]}
      required={!scopes.job && !scopes.cluster}
      onChange={(event) => setScopes({ ...scopes, [scope]: event.currentTarget.checked })}
    />
  );
  return (
    <Group role="group" aria-label={tokens.scopes}>
      {box("job")}
      {box("cluster")}
    </Group>
  );
}

function Made({ secret }: { readonly secret: string }) {
  const { tokens } = useText();
  return (
    <>
      <PageTitle>{tokens.title}</PageTitle>
      <Alert color="green" role="status" mb="md">{tokens.created}</Alert>
      <Group mb="md">
        <Code className="long">{secret}</Code>
        <CopyButton value={secret}>
          {({ copied, copy }) => <Button size="xs" onClick={copy}>{copied ? tokens.copied : tokens.copy}</Button>}
        </CopyButton>
      </Group>
      <Anchor component={Link} to={PATHS.tokens}>{tokens.title}</Anchor>
    </>
  );
}
