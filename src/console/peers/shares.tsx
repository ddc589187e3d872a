import { Progress } from "@mantine/core";
import { Panel } from "../parts/panel.tsx";
import { Rows } from "../parts/rows.tsx";
import { useFormat, useText } from "../text/use_text.tsx";
import type { Share } from "./versions.ts";

/** Who runs what, as a table with a bar in each row: it is read aloud as well as seen. */
export function Shares({ title, shares }: { readonly title: string; readonly shares: readonly Share[] }) {
  const { peers } = useText();
  const format = useFormat();
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  return (
    <Panel title={title}>
      <Rows
        caption={title}
        rows={shares}
        keyOf={({ name }) => name}
        columns={[
          { title, cell: ({ name }) => <span className="long">{name}</span> },
          { title: peers.count, cell: ({ count }) => format.number(count) },
          { title: peers.activeShare, cell: ({ count, active }) => format.percent(active / count) },
          {
            title: peers.share,
            cell: ({ name, count }) => (
              <>
                {format.percent(count / total)}
                <Progress value={100 * count / total} miw={60} aria-label={`${peers.share} ${name}`} />
              </>
            ),
          },
        ]}
      />
    </Panel>
  );
}
