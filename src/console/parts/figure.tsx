import { Paper, Text } from "@mantine/core";

/** A value that stands for itself; a dash until it is known. */
export function Figure(
  { label, value, detail }: {
    readonly label: string;
    readonly value: string | undefined;
    readonly detail?: string;
  },
) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">{label}</Text>
      <Text size="xl" fw={600}>{value ?? "-"}</Text>
      {detail !== undefined && <Text size="sm">{value === undefined ? "-" : detail}</Text>}
    </Paper>
  );
}
