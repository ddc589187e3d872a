import { Badge } from "@mantine/core";
import { useText } from "../text/use_text.tsx";

/** Whether a scheduler, seed peer or peer is there. */
export function StatusBadge({ state }: { readonly state: "active" | "inactive" }) {
  const { common } = useText();
  return <Badge variant="light" color={state === "active" ? "green" : "red"}>{common[state]}</Badge>;
}
