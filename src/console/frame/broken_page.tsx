import { Alert, Button, Stack } from "@mantine/core";
import { useRouteError } from "react-router";
import { useText } from "../text/use_text.tsx";

/** In place of a page whose code failed, or could not be loaded since the manager was updated. */
export function BrokenPage() {
  const text = useText();
  const error = useRouteError();
  return (
    <Alert color="red" title={text.frame.broken} role="alert" m="md">
      <Stack align="start">
        {error instanceof Error ? error.message : String(error)}
        <Button variant="default" onClick={() => location.reload()}>{text.frame.reload}</Button>
      </Stack>
    </Alert>
  );
}
