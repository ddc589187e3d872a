import { Button, Checkbox, Group, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Failure } from "../parts/failure.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { useText } from "../text/use_text.tsx";
import { BlockRuleEditor } from "./block_rule_editor.tsx";
import { bodyOf, type ClusterBody, type ClusterDraft } from "./cluster_draft.ts";
import { LIMITS } from "./limits.ts";

const NAME_CHARACTERS_MAX = 40;
const BIO_CHARACTERS_MAX = 400;
const PLACE_CHARACTERS_MAX = 1_024;

interface Props {
  readonly start: ClusterDraft;
  readonly label: string;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly onSubmit: (body: ClusterBody) => void;
  readonly onCancel: () => void;
}

/** The form of a new or changed cluster. */
export function ClusterForm({ start, label, error, isPending, onSubmit, onCancel }: Props) {
  const { common, clusters } = useText();
  const [draft, setDraft] = useState(start);
  const set = (patch: Partial<ClusterDraft>) => setDraft((before) => ({ ...before, ...patch }));
  return (
    <form onSubmit={submitted(() => onSubmit(bodyOf(draft)))}>
      <Information draft={draft} set={set} />
      <Scopes draft={draft} set={set} />
      <Panel title={clusters.config}>
        <div className="cards">
          {LIMITS.map(({ field, min, max }) => (
            <TextInput
              key={field}
              {...{ type: "number", min, max, step: 1 }}
              label={clusters[field]}
              description={clusters.limitHint(min, max)}
              value={draft.limits[field]}
              onChange={(event) => set({ limits: { ...draft.limits, [field]: event.currentTarget.value } })}
            />
          ))}
        </div>
      </Panel>
      <Panel title={clusters.blockList} hint={clusters.blockListHint}>
        <BlockRuleEditor rules={draft.rules} onChange={(rules) => set({ rules })} />
      </Panel>
      {error !== null && <Failure error={error} />}
      <Group>
        <Button type="submit" loading={isPending}>{label}</Button>
        <Button variant="default" onClick={onCancel}>{common.cancel}</Button>
      </Group>
    </form>
  );
}

interface PartProps {
  readonly draft: ClusterDraft;
  readonly set: (patch: Partial<ClusterDraft>) => void;
}

function Information({ draft, set }: PartProps) {
  const { common, clusters } = useText();
  return (
    <Panel title={clusters.information}>
      <Stack>
        <TextInput
          label={common.name}
          required
          maxLength={NAME_CHARACTERS_MAX}
          pattern=".*\S.*"
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <Textarea
          label={common.description}
          maxLength={BIO_CHARACTERS_MAX}
          value={draft.bio}
          onChange={(event) => set({ bio: event.currentTarget.value })}
        />
        <Checkbox
          label={clusters.setDefault}
          checked={draft.isDefault}
          onChange={(event) => set({ isDefault: event.currentTarget.checked })}
        />
      </Stack>
    </Panel>
  );
}

function Scopes({ draft, set }: PartProps) {
  const { common, clusters } = useText();
  return (
    <Panel title={clusters.scopes} hint={clusters.scopesHint}>
      <div className="cards">
        <TextInput
          label={clusters.location}
          description={clusters.locationHint}
          maxLength={PLACE_CHARACTERS_MAX}
          value={draft.location}
          onChange={(event) => set({ location: event.currentTarget.value })}
        />
        <TextInput
          label={clusters.idc}
          description={clusters.idcHint}
          maxLength={PLACE_CHARACTERS_MAX}
          value={draft.idc}
          onChange={(event) => set({ idc: event.currentTarget.value })}
        />
        <TagsInput
          label={clusters.cidrs}
          description={common.entriesHint}
          placeholder="10.0.0.0/8"
          value={[...draft.cidrs]}
          acceptValueOnBlur
          onChange={(cidrs) => set({ cidrs })}
        />
        <TagsInput
          label={clusters.hostnames}
          description={`${clusters.hostnamesHint}. ${common.entriesHint}`}
          value={[...draft.hostnames]}
          splitChars={[]}
          acceptValueOnBlur
          onChange={(hostnames) => set({ hostnames })}
        />
      </div>
    </Panel>
  );
}
