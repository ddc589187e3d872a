import { Group, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { useText } from "../text/use_text.tsx";

/** The heading of a page, and what can be done there; it names the window too. */
export function PageTitle({ children, actions }: { readonly children: string; readonly actions?: ReactNode }) {
  const text = useText();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} · ${text.frame.product}`;
  }, [children, text]);
  // Who reads the page by ear begins at the new page and not at the link that led there.
  useEffect(() => heading.current?.focus(), []);
  return (
    <Group justify="space-between" mb="md">
      <Title order={1} size="h2" ref={heading} tabIndex={-1}>{children}</Title>
      {actions !== undefined && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
