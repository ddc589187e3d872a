import { Paper, Text, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

/** A part of a page under a heading of its own. */
export function Panel(
  { title, hint, children }: { readonly title: string; readonly hint?: string; readonly children: ReactNode },
) {
  const id = useId();
  return (
    <Paper component="section" withBorder p="md" mb="md" aria-labelledby={id}>
      <Title order={2} size="h4" id={id}>{title}</Title>
      {hint !== undefined && <Text size="sm" c="dimmed">{hint}</Text>}
      <div style={{ marginTop: "0.75rem" }}>{children}</div>
    </Paper>
  );
}
