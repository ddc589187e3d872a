import { Button, Group, NativeSelect, Paper, Stack, TagsInput } from "@mantine/core";
import { useText } from "../text/use_text.tsx";
import { type BlockRule, FEATURES, SIDES, TASK_TYPES } from "./block_list.ts";

const PRIORITY_MAX = 6;
const NEW_RULE: BlockRule = {
  ...{ side: "client", taskType: "task", feature: "download" },
  ...{ applications: [], urls: [], tags: [], priorities: [] },
};

interface Props {
  readonly rules: readonly BlockRule[];
  readonly onChange: (rules: readonly BlockRule[]) => void;
}

/** Makes, changes and removes the rules of a cluster's block lists. */
export function BlockRuleEditor({ rules, onChange }: Props) {
  const { clusters } = useText();
  const change = (at: number, rule: BlockRule) => onChange(rules.with(at, rule));
  return (
    <Stack>
      {rules.map((rule, at) => (
        <Paper withBorder p="sm" key={at} role="group" aria-label={`${clusters.blockList} ${at + 1}`}>
          <RuleFields
            rule={rule}
            onChange={(changed) =>
              change(at, changed)}
          />
          <Button
            mt="sm"
            size="xs"
            color="red"
            variant="outline"
            onClick={() =>
              onChange(rules.toSpliced(at, 1))}
          >
            {clusters.removeRule}
          </Button>
        </Paper>
      ))}
      <Group>
        <Button variant="default" onClick={() => onChange([...rules, NEW_RULE])}>{clusters.addRule}</Button>
      </Group>
    </Stack>
  );
}

function RuleFields({ rule, onChange }: { readonly rule: BlockRule; readonly onChange: (rule: BlockRule) => void }) {
  const { clusters, common } = useText();
  const choice = <K extends "side" | "taskType" | "feature">(key: K, values: readonly BlockRule[K][]) => (
    <NativeSelect
      label={clusters[key]}
      value={rule[key]}
      onChange={(event) => onChange(consistent({ ...rule, [key]: event.currentTarget.value }))}
      data={values.map((value) => ({ value, label: clusters[value] }))}
    />
  );
  const tags = (key: "applications" | "tags" | "urls") => (
    <TagsInput
      label={clusters[key]}
      description={common.entriesHint}
      value={[...rule[key]]}
      // A regular expression may have commas.
      splitChars={[]}
      acceptValueOnBlur
      onChange={(values) => onChange({ ...rule, [key]: values })}
    />
  );
  return (
    <div className="cards">
      {choice("side", SIDES)}
      {choice("taskType", TASK_TYPES)}
      {choice("feature", rule.taskType === "task" ? ["download"] : FEATURES)}
      {tags("applications")}
      {tags("urls")}
      {tags("tags")}
      {rule.feature === "download" && (
        <TagsInput
          label={clusters.priorities}
          description={`0-${PRIORITY_MAX}`}
          data={Array.from({ length: PRIORITY_MAX + 1 }, (_, priority) => String(priority))}
          value={rule.priorities.map(String)}
          onChange={(values) => onChange({ ...rule, priorities: values.filter(isPriority).map(Number) })}
        />
      )}
    </div>
  );
}

function isPriority(text: string): boolean {
  return /^\d$/.test(text) && Number(text) <= PRIORITY_MAX;
}

/** Plain tasks have no rule for uploads, and uploads none for priorities. */
function consistent(rule: BlockRule): BlockRule {
  const feature = rule.taskType === "task" ? "download" : rule.feature;
  return { ...rule, feature, priorities: feature === "download" ? rule.priorities : [] };
}
