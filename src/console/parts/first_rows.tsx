import { Text } from "@mantine/core";
import { useText } from "../text/use_text.tsx";
import { type Column, Rows } from "./rows.tsx";

const ROWS_MAX = 200;

/** The first rows of a list, and how many there are; nothing where there are none. */
export function FirstRows<Row>(
  { title, rows, count, keyOf, columns }: {
    readonly title: string;
    readonly rows: readonly Row[];
    readonly count: number;
    readonly keyOf: (row: Row) => string;
    readonly columns: readonly Column<Row>[];
  },
) {
  const { jobs } = useText();
  const shown = rows.slice(0, ROWS_MAX);
  if (shown.length === 0) return null;
  return (
    <>
      <Text fw={600} mt="md">{title} ({count})</Text>
      {shown.length < count && <Text size="sm" c="dimmed">{jobs.cut(shown.length, count)}</Text>}
      <Rows caption={title} rows={shown} keyOf={keyOf} columns={columns} />
    </>
  );
}
