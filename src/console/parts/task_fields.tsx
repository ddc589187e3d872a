import { NativeSelect, PasswordInput, TagsInput, TextInput } from "@mantine/core";
import { useText } from "../text/use_text.tsx";
import { type ImageLogin, PLATFORMS, type TaskNaming } from "./task_naming.ts";

/** What makes two tasks of the same URL differ. */
export function TaskNamingFields(
  { draft, set }: { readonly draft: TaskNaming; readonly set: (patch: Partial<TaskNaming>) => void },
) {
  const { common, jobs } = useText();
  return (
    <>
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
    </>
  );
}

/** Which platform of an image, and with which login. */
export function ImageLoginFields(
  { draft, set }: { readonly draft: ImageLogin; readonly set: (patch: Partial<ImageLogin>) => void },
) {
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
