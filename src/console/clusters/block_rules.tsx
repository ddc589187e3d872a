import { useText } from "../text/use_text.tsx";
import { Rows } from "../parts/rows.tsx";
import type { BlockRule } from "./block_list.ts";

/** The rules of a block list as a table. */
export function BlockRules({ rules }: { readonly rules: readonly BlockRule[] }) {
  const { clusters } = useText();
  const list = (entries: readonly (string | number)[]) => entries.length === 0 ? "-" : entries.join(", ");
  return (
    <Rows
      caption={clusters.blockList}
      rows={rules}
      keyOf={({ side, taskType, feature }) => `${side} ${taskType} ${feature}`}
      columns={[
        { title: clusters.side, cell: ({ side }) => clusters[side] },
        { title: clusters.taskType, cell: ({ taskType }) => clusters[taskType] },
        { title: clusters.feature, cell: ({ feature }) => clusters[feature] },
        { title: clusters.applications, cell: ({ applications }) => list(applications) },
        { title: clusters.tags, cell: ({ tags }) => list(tags) },
        { title: clusters.urls, cell: ({ urls }) => list(urls) },
        { title: clusters.priorities, cell: ({ priorities }) => list(priorities) },
      ]}
    />
  );
}
