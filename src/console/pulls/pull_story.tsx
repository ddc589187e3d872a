import { Anchor, Badge, Text } from "@mantine/core";
import { Link } from "react-router";
import { formatBytes, formatMs } from "../../core/for_people.ts";
import { Panel } from "../parts/panel.tsx";
import { Rows } from "../parts/rows.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { type Pull, spanOf, wordOf } from "./pull.ts";

type Event = Pull["events"][number];

/** What happened to one content, and who gave it. */
export function PullStory({ pull, number, clusterId }: {
  readonly pull: Pull;
  readonly number: number;
  readonly clusterId: string;
}) {
  const { pulls: text } = useText();
  const format = useFormat();
  return (
    <>
      <Panel title={text.happened(number)} hint={format.time(pull.started_at ?? undefined)}>
        {pull.dropped_events > 0 && <Text size="sm">{text.dropped(pull.dropped_events)}</Text>}
        <Rows
          caption={text.happened(number)}
          rows={pull.events.map((event, at) => ({ ...event, key: at }))}
          keyOf={({ key }) => key}
          columns={[
            { title: text.at, cell: ({ at_ms }) => formatMs(Math.max(0, at_ms)) },
            { title: text.waited, cell: ({ ms }) => ms === 0 ? "-" : formatMs(ms) },
            { title: text.timeline, cell: (event) => <Span event={event} pull={pull} /> },
            {
              title: text.what,
              cell: ({ kind, slow }) => (
                <>
                  {wordOf(text.events, kind)} {slow && <Badge color="red" variant="light">{text.slowPart}</Badge>}
                </>
              ),
            },
            { title: text.who, cell: ({ subject }) => <span className="long">{subject || "-"}</span> },
            { title: text.detail, cell: ({ detail }) => <span className="long">{detail || "-"}</span> },
          ]}
        />
      </Panel>
      <Panel title={text.parents}>
        <Rows
          caption={text.parents}
          rows={pull.parents.toSorted((a, b) => b.bytes - a.bytes)}
          keyOf={({ peer_id }) => peer_id}
          columns={[
            { title: text.host, cell: ({ hostname, ip }) => `${hostname} ${ip}` },
            { title: text.idc, cell: ({ idc }) => idc || "-" },
            { title: text.kind, cell: ({ is_seed }) => is_seed ? text.seed : "-" },
            { title: text.pieces, cell: ({ pieces }) => format.number(pieces) },
            { title: text.bytes, cell: ({ bytes }) => formatBytes(bytes) },
          ]}
        />
        <Anchor component={Link} size="sm" to={pathTo(PATHS.swarm, { id: clusterId, task: pull.task_id })}>
          {text.toSwarm}
        </Anchor>
      </Panel>
    </>
  );
}

/** When within the pull it was; the numbers beside it say the same. */
function Span({ event, pull }: { readonly event: Event; readonly pull: Pull }) {
  const { start, end } = spanOf(event, pull);
  return (
    <svg className="span" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" data-slow={event.slow}>
      <rect x={0} y={3.5} width={100} height={1} className="span-line" />
      <rect x={Math.min(start, 99)} y={0} width={Math.max(1, end - start)} height={8} />
    </svg>
  );
}
