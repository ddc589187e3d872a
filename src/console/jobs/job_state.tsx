import { Badge, Progress, Text } from "@mantine/core";
import { useText } from "../text/use_text.tsx";
import { type Job, progressOf } from "./job.ts";

const COLORS = { PENDING: "blue", SUCCESS: "green", FAILURE: "red" } as const;

/** Where a job is. */
export function JobState({ state }: Pick<Job, "state">) {
  const { jobs } = useText();
  return <Badge variant="light" color={COLORS[state]}>{jobs.states[state]}</Badge>;
}

/** How far a job is: a sentence, and a bar as soon as it is known how much there is to do. */
export function JobProgress({ job }: { readonly job: Pick<Job, "result"> }) {
  const { jobs } = useText();
  const { done, failed, expected } = progressOf(job);
  return (
    <div>
      <Text size="sm" role="status">{jobs.progressOf(done, failed, expected)}</Text>
      {expected > 0 && (
        <Progress.Root size="lg" mt={4}>
          <Progress.Section value={100 * done / expected} color="green" aria-label={jobs.progress} />
          <Progress.Section value={100 * failed / expected} color="red" aria-label={jobs.failures} />
        </Progress.Root>
      )}
    </div>
  );
}
