import { Anchor, Text } from "@mantine/core";
import { Link } from "react-router";
import { useSession } from "../api/session.tsx";
import { useText } from "../text/use_text.tsx";
import { type Finding, pathOfFinding } from "./overview.ts";

/** What somebody should look at, each with the way to where it is mended. */
export function Findings({ findings, count }: { readonly findings: readonly Finding[]; readonly count: number }) {
  const { jobs, overview: words } = useText();
  const isRoot = useSession().user.name === "root";
  if (findings.length === 0) return <Text>{words.allWell}</Text>;
  return (
    <>
      {findings.length < count && <Text size="sm" c="dimmed">{jobs.cut(findings.length, count)}</Text>}
      <ul className="findings">
        {findings.map((finding) => (
          <li key={`${finding.kind} ${finding.cluster?.id ?? ""}`}>
            <Anchor inherit underline="always" component={Link} to={pathOfFinding(finding, isRoot)}>
              {words.kinds[finding.kind](finding.count)}
            </Anchor>
            {finding.cluster !== null && ` · ${finding.cluster.name}`}
            {finding.names.length > 0 && <Text span size="sm" c="dimmed">{` · ${finding.names.join(", ")}`}</Text>}
          </li>
        ))}
      </ul>
    </>
  );
}
