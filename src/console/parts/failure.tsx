import { Alert, Button, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError } from "../api/client.ts";
import { useText } from "../text/use_text.tsx";

/** Why something did not work, in the manager's words; whoever is not signed in any more is sent to the door. */
export function Failure({ error, retry }: { readonly error: Error; readonly retry?: () => unknown }) {
  const text = useText();
  const queries = useQueryClient();
  const isSignedOut = error instanceof ApiError && error.isSignedOut;
  useEffect(() => {
    if (isSignedOut) void queries.invalidateQueries({ queryKey: ["session"] });
  }, [isSignedOut, queries]);
  return (
    <Alert color="red" title={text.common.failed} role="alert" mb="md">
      <Stack align="start" gap="xs">
        {error.message}
        {retry !== undefined && <Button size="xs" variant="default" onClick={() => retry()}>{text.common.retry}
        </Button>}
      </Stack>
    </Alert>
  );
}
