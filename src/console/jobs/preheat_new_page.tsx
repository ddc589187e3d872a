import { Button, Group, MultiSelect, SegmentedControl, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { clustersQuery } from "../clusters/cluster.ts";
import { Failure } from "../parts/failure.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { PATHS, pathTo } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { orderJob } from "./job.ts";
import { argsOf, NEW_PREHEAT, type PreheatDraft } from "./preheat_args.ts";
import { PreheatFields } from "./preheat_fields.tsx";

const BIO_CHARACTERS_MAX = 400;

export default function PreheatNewPage() {
  const { common, jobs } = useText();
  const navigate = useNavigate();
  const [draft, setDraft] = useState(NEW_PREHEAT);
  const [bio, setBio] = useState("");
  const [clusterIds, setClusterIds] = useState<string[]>([]);
  const set = (patch: Partial<PreheatDraft>) => setDraft((before) => ({ ...before, ...patch }));
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => orderJob({ type: "preheat", bio, args: argsOf(draft), clusterIds: clusterIds.map(Number) }),
    onSuccess: (id) => navigate(pathTo(PATHS.preheat, { id })),
  });
  return (
    <>
      <PageTitle>{jobs.newPreheat}</PageTitle>
      <form onSubmit={submitted(() => mutate())}>
        <SegmentedControl
          mb="md"
          aria-label={jobs.type}
          value={draft.kind}
          onChange={(kind) => set({ kind: kind === "file" ? "file" : "image", urls: draft.urls.slice(0, 1) })}
          data={[{ value: "image", label: jobs.image }, { value: "file", label: jobs.file }]}
        />
        <Panel title={jobs.preheats}>
          <Stack>
            <Textarea
              label={common.description}
              maxLength={BIO_CHARACTERS_MAX}
              value={bio}
              onChange={(event) => setBio(event.currentTarget.value)}
            />
            <Clusters chosen={clusterIds} onChange={setClusterIds} />
            <Addresses draft={draft} set={set} />
          </Stack>
        </Panel>
        <PreheatFields draft={draft} set={set} />
        {error !== null && <Failure error={error} />}
        <Group>
          <Button type="submit" loading={isPending}>{common.create}</Button>
          <Button variant="default" onClick={() => navigate(PATHS.preheats)}>{common.cancel}</Button>
        </Group>
      </form>
    </>
  );
}

/** The clusters of a job; a form without any does not go. */
export function Clusters(
  { chosen, onChange }: { readonly chosen: string[]; readonly onChange: (ids: string[]) => void },
) {
  const { jobs } = useText();
  const { data: clusters } = useQuery(clustersQuery);
  return (
    <MultiSelect
      label={jobs.clusters}
      description={jobs.clustersHint}
      required
      searchable
      value={chosen}
      onChange={onChange}
      data={(clusters ?? []).map(({ id, name }) => ({ value: String(id), label: `${name} (${id})` }))}
      ref={(input) => input?.setCustomValidity(chosen.length === 0 ? jobs.clustersHint : "")}
    />
  );
}

function Addresses(
  { draft, set }: { readonly draft: PreheatDraft; readonly set: (patch: Partial<PreheatDraft>) => void },
) {
  const { jobs } = useText();
  if (draft.kind === "image") {
    return (
      <TextInput
        type="url"
        required
        label={jobs.url}
        description={jobs.urlHint}
        value={draft.urls[0] ?? ""}
        onChange={(event) => set({ urls: [event.currentTarget.value] })}
      />
    );
  }
  return (
    <Textarea
      required
      rows={4}
      label={jobs.urls}
      value={draft.urls.join("\n")}
      onChange={(event) => set({ urls: event.currentTarget.value.split("\n") })}
    />
  );
}
