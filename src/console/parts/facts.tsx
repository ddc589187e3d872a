import { Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What there is to know of one thing. */
export interface Fact {
  readonly label: string;
  readonly value: ReactNode;
  /** What the value is good for. */
  readonly hint?: string;
}

/** A list of facts; one without a value is a dash. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ label, value, hint }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value === "" || value === undefined || value === null ? "-" : value}
            {hint !== undefined && <Text size="xs" c="dimmed">{hint}</Text>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
