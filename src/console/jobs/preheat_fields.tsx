import { NativeSelect, TagsInput, Textarea, TextInput } from "@mantine/core";
import { Panel } from "../parts/panel.tsx";
import { ImageLoginFields, TaskNamingFields } from "../parts/task_fields.tsx";
import { useText } from "../text/use_text.tsx";
import { type PreheatDraft, SCOPES, TARGETS } from "./preheat_args.ts";

interface Props {
  readonly draft: PreheatDraft;
  readonly set: (patch: Partial<PreheatDraft>) => void;
}

/** How a preheat is done: what tasks are called, where they go, and with which login. */
export function PreheatFields({ draft, set }: Props) {
  const { jobs, clusters } = useText();
  return (
    <Panel title={clusters.config}>
      <div className="cards">
        <Where draft={draft} set={set} />
        <TaskNamingFields draft={draft} set={set} />
        {draft.kind === "image" && <ImageLoginFields draft={draft} set={set} />}
        <Textarea
          label={jobs.headers}
          description={jobs.headersHint}
          value={draft.headers}
          onChange={(event) => set({ headers: event.currentTarget.value })}
        />
      </div>
    </Panel>
  );
}

function Where({ draft, set }: Props) {
  const { common, jobs } = useText();
  const number = { type: "number", required: true, min: 1 };
  return (
    <>
      <NativeSelect
        label={jobs.scope}
        value={draft.scope}
        onChange={(event) => set({ scope: event.currentTarget.value as PreheatDraft["scope"] })}
        data={SCOPES.map((value) => ({ value, label: jobs[value] }))}
      />
      {draft.scope !== "single_seed_peer" && (
        <NativeSelect
          label={jobs.target}
          value={draft.target}
          onChange={(event) => set({ target: event.currentTarget.value as PreheatDraft["target"] })}
          data={TARGETS.map((value) => ({ value, label: jobs.targets[value] }))}
        />
      )}
      {draft.scope !== "single_seed_peer" && draft.target === "ips" && (
        <TagsInput
          label={jobs.ips}
          description={common.entriesHint}
          value={[...draft.ips]}
          acceptValueOnBlur
          onChange={(ips) => set({ ips })}
        />
      )}
      {draft.scope !== "single_seed_peer" && draft.target === "count" && (
        <TextInput
          {...{ ...number, max: 200 }}
          label={jobs.count}
          value={draft.count}
          onChange={(event) => set({ count: event.currentTarget.value })}
        />
      )}
      {draft.scope !== "single_seed_peer" && draft.target === "percentage" && (
        <TextInput
          {...{ ...number, max: 100 }}
          label={jobs.percentage}
          value={draft.percentage}
          onChange={(event) => set({ percentage: event.currentTarget.value })}
        />
      )}
    </>
  );
}
