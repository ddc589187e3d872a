import { Group, Paper, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { ColorChoice, LanguageChoice } from "../frame/choices.tsx";
import { useText } from "../text/use_text.tsx";

/** What is around the pages of those who are not in yet. */
export function Door({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const text = useText();
  useEffect(() => {
    document.title = `${title} · ${text.frame.product}`;
  }, [title, text]);
  return (
    <main className="door">
      <Group justify="space-between" mb="md">
        <strong>{text.frame.product}</strong>
        <Group gap="xs">
          <LanguageChoice />
          <ColorChoice />
        </Group>
      </Group>
      <Paper withBorder p="lg">
        <Title order={1} size="h2" mb="md">{title}</Title>
        {children}
      </Paper>
    </main>
  );
}
