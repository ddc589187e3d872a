import { NativeSelect, PasswordInput, TagsInput, Textarea, TextInput } from "@mantine/core";
import { Panel } from "../parts/panel.tsx";
import { useText } from "../text/use_text.tsx";
import { PLATFORMS, type PreheatDraft, SCOPES, TARGETS } from "./preheat_args.ts";

interface Props {
  readonly draft: PreheatDraft;
  readonly set: (patch: Partial<PreheatDraft>) => void;
}

/** How a preheat is done: what tasks are called, where they go, and with which login. */
export function PreheatFields({ draft, set }: Props) {
  const { common, jobs, clusters } = useText();
  return (
    <Panel title={clusters.config}>
      <div className="cards">
        <Where draft={draft} set={set} />
        <TextInput
          {...{ type: "number", min: 4, max: 64 }}
          label={jobs.pieceLength}
          description={jobs.pieceLengthHint}
          value={draft.pieceLengthMib}
          onChange={(event) => set({ pieceLengthMib: event.currentTarget.value })}
        />
        <TextInput label={jobs.tag} value={draft.tag} onChange={(event) => set({ tag: event.currentTarget.value })} />
        <TextInput
          label={jobs.application}
          value={draft.application}
          onChange={(event) => set({ application: event.currentTarget.value })}
        />
        <TagsInput
          label={jobs.filteredQueryParams}
          description={common.entriesHint}
          value={[...draft.filteredQueryParams]}
          acceptValueOnBlur
          onChange={(filteredQueryParams) => set({ filteredQueryParams })}
        />
        {draft.kind === "image" && <Login draft={draft} set={set} />}
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

function Login({ draft, set }: Props) {
  const { jobs } = useText();
  return (
    <>
      <NativeSelect
        label={jobs.platform}
        value={draft.platform}
        onChange={(event) => set({ platform: event.currentTarget.value })}
        data={[...PLATFORMS]}
      />
      <TextInput
        label={jobs.username}
        autoComplete="off"
        value={draft.username}
        onChange={(event) => set({ username: event.currentTarget.value })}
      />
      <PasswordInput
        label={jobs.password}
        autoComplete="new-password"
        value={draft.password}
        onChange={(event) => set({ password: event.currentTarget.value })}
      />
    </>
  );
}
