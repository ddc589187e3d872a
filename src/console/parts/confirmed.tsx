import { Button, type ButtonProps, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useText } from "../text/use_text.tsx";
import { Failure } from "./failure.tsx";
import { submitted } from "./submitted.ts";

interface Props {
  readonly label: string;
  readonly title: string;
  readonly hint?: string;
  /** What has to be typed, where a click would be too easy. */
  readonly word?: string;
  readonly run: () => Promise<unknown>;
  readonly onDone?: () => unknown;
  readonly button?: ButtonProps;
}

/** A button for what cannot be taken back: it asks first. */
export function Confirmed({ label, title, hint, word, run, onDone, button = {} }: Props) {
  const { common } = useText();
  const [isOpen, setOpen] = useState(false);
  const { mutate, error, isPending, reset } = useMutation({
    mutationFn: run,
    // It stays in the way until the page shows what has changed: what is gone must not be acted on again.
    onSuccess: async () => {
      await onDone?.();
      setOpen(false);
    },
  });
  const open = () => {
    reset();
    setOpen(true);
  };
  return (
    <>
      <Button color="red" variant="outline" {...button} onClick={open}>{label}</Button>
      {/* To keep the page from scrolling it would write styles of its own, which the policy of the page forbids. */}
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={title}
        lockScroll={false}
        closeButtonProps={{ "aria-label": common.close }}
      >
        <form onSubmit={submitted(() => mutate())}>
          <Stack>
            {hint !== undefined && <Text size="sm">{hint}</Text>}
            {word !== undefined && (
              <TextInput
                label={common.confirmTyped(word)}
                pattern={escaped(word)}
                required
                autoComplete="off"
                data-autofocus
              />
            )}
            {error !== null && <Failure error={error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setOpen(false)}>{common.cancel}</Button>
              <Button type="submit" color="red" loading={isPending}>{label}</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

/** A text as a pattern that only it fits. */
function escaped(text: string): string {
  return text.replace(
    /[\\^$.*+?()[\]{}|/&!#%,:;<=>@`~-]/g,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
