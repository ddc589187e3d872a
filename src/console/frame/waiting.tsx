import { Center, Loader } from "@mantine/core";
import { useText } from "../text/use_text.tsx";

export function Waiting() {
  const text = useText();
  return (
    <Center p="xl">
      <Loader role="status" aria-label={text.common.loading} />
    </Center>
  );
}
