import { Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../text/use_text.tsx";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
}

/** A table of rows, or a sentence when there are none; it scrolls by itself where the window is narrow. */
export function Rows<Row>(
  { caption, columns, rows, keyOf }: {
    readonly caption: string;
    readonly columns: readonly Column<Row>[];
    readonly rows: readonly Row[];
    readonly keyOf: (row: Row) => string | number;
  },
) {
  const { common } = useText();
  if (rows.length === 0) return <Text c="dimmed">{common.empty}</Text>;
  return (
    <div className="wide" role="region" aria-label={caption} tabIndex={0}>
      <Table striped aria-label={caption}>
        <Table.Thead>
          <Table.Tr>{columns.map(({ title }) => <Table.Th key={title} scope="col">{title}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={keyOf(row)}>
              {columns.map(({ title, cell }) => <Table.Td key={title}>{cell(row)}</Table.Td>)}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
