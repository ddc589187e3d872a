import { Button, Text } from "@mantine/core";
import { download } from "../browser/download.ts";
import { Panel } from "../parts/panel.tsx";
import { Rows } from "../parts/rows.tsx";
import { csvOf } from "../parts/csv.ts";
import type { Schemas } from "../api/client.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { costOf, hitRatioOf, type Price } from "./amounts.ts";
import type { Key } from "./periods.ts";

/** More than a page should have; a file has all that the manager tells. */
const ROWS_MAX = 100;
const COLUMNS = ["name", "served_bytes", "origin_bytes", "peer_bytes", "local_bytes", "saved_bytes", "pulls"];

/** The totals of each repository, registry, application or IDC. */
export function SavingsTable(
  { rows, keyName, price }: {
    readonly rows: readonly Schemas["SavingsRow"][];
    readonly keyName: Key;
    readonly price: Price | null;
  },
) {
  const { jobs, savings } = useText();
  const format = useFormat();
  const title = savings.keys[keyName];
  const money = (bytes: number) => price === null ? "" : ` (${format.money(costOf(bytes, price), price.currency)})`;
  const ratio = (row: Schemas["SavingsRow"]) => {
    const known = hitRatioOf(row);
    return known === undefined ? "-" : format.percent(known);
  };
  return (
    <Panel title={title}>
      {rows.length > ROWS_MAX && <Text size="sm" c="dimmed">{jobs.cut(ROWS_MAX, rows.length)}</Text>}
      <Rows
        caption={title}
        rows={rows.slice(0, ROWS_MAX)}
        keyOf={({ name }) => name}
        columns={[
          { title, cell: ({ name }) => <span className="long">{name === "" ? "-" : name}</span> },
          { title: savings.served, cell: ({ served_bytes }) => format.bytes(served_bytes) },
          { title: savings.origin, cell: ({ origin_bytes }) => format.bytes(origin_bytes) },
          { title: savings.peer, cell: ({ peer_bytes }) => format.bytes(peer_bytes) },
          { title: savings.local, cell: ({ local_bytes }) => format.bytes(local_bytes) },
          {
            title: savings.saved,
            cell: ({ saved_bytes }) => format.bytes(saved_bytes) + money(saved_bytes),
          },
          { title: savings.hitRatio, cell: ratio },
        ]}
      />
      {rows.length > 0 && (
        <Button
          mt="md"
          variant="default"
          onClick={() => download(`savings-${keyName}.csv`, "text/csv", csvOf(COLUMNS, rows))}
        >
          {savings.export}
        </Button>
      )}
    </Panel>
  );
}
