import { Anchor, Progress, Text } from "@mantine/core";
import { Link, useSearchParams } from "react-router";
import { formatBytes, formatMs } from "../../core/for_people.ts";
import { Rows } from "../parts/rows.tsx";
import { useFormat, useText } from "../text/use_text.tsx";
import { contentName, type Pull, wordOf } from "./pull.ts";

/** Contents with where their bytes came from; each leads to what happened to it. */
export function ContentTable({ pulls, chosen, isLinked = false }: {
  readonly pulls: readonly Pull[];
  /** Place of the one that is explained below. */
  readonly chosen?: number;
  /** Whether a row leads to a page of its own. */
  readonly isLinked?: boolean;
}) {
  const { pulls: text } = useText();
  const format = useFormat();
  const [search] = useSearchParams();
  const linkTo = (pull: Pull, at: number) => {
    const next = new URLSearchParams(search);
    if (isLinked) next.set("name", pull.digest ?? pull.task_id);
    else next.set("content", String(at + 1));
    return `?${next}`;
  };
  return (
    <>
      <Text size="sm" mb="xs">{text.legend}</Text>
      <Rows
        caption={text.contents}
        rows={pulls.map((pull, at) => ({ pull, at }))}
        keyOf={({ at }) => at}
        columns={[
          { title: "#", cell: ({ at }) => at + 1 },
          {
            title: text.content,
            cell: ({ pull, at }) => (
              <Anchor
                inherit
                component={Link}
                to={linkTo(pull, at)}
                className="long"
                {...at === chosen ? { fw: 700, "aria-current": "true" as const } : {}}
              >
                {contentName(pull)}
              </Anchor>
            ),
          },
          { title: text.repository, cell: ({ pull }) => pull.repository || "-" },
          { title: text.startedAt, cell: ({ pull }) => format.time(pull.started_at ?? undefined) },
          { title: text.size, cell: ({ pull }) => formatBytes(pull.content_length) },
          {
            title: text.time,
            cell: ({ pull }) => pull.is_hit ? "-" : formatMs(pull.duration_ms) + (pull.is_running ? "…" : ""),
          },
          {
            title: text.firstByte,
            cell: ({ pull }) => pull.is_hit || pull.first_byte_ms === null ? "-" : formatMs(pull.first_byte_ms),
          },
          { title: text.sources, cell: ({ pull }) => <SourceBar pull={pull} /> },
          { title: text.waited, cell: ({ pull }) => pull.lost_ms === 0 ? "-" : formatMs(pull.lost_ms) },
          {
            title: text.waitedFor,
            cell: ({ pull }) => pull.error === null ? wordOf(text.causes, pull.cause) : text.failed,
          },
        ]}
      />
    </>
  );
}

/** Where the bytes of a content came from, in parts of all that are here. */
function SourceBar({ pull: { origin_bytes, peer_bytes, local_bytes } }: { readonly pull: Pull }) {
  const { pulls: text } = useText();
  const total = Math.max(1, origin_bytes + peer_bytes + local_bytes);
  const part = (bytes: number, color: string, label: string) =>
    bytes > 0 && (
      <Progress.Section value={100 * bytes / total} color={color} aria-label={`${label} ${formatBytes(bytes)}`} />
    );
  return (
    <Progress.Root size="lg" miw={110}>
      {part(origin_bytes, "orange.7", text.origin)}
      {part(peer_bytes, "blue.7", text.otherHosts)}
      {part(local_bytes, "green.8", text.local)}
    </Progress.Root>
  );
}
