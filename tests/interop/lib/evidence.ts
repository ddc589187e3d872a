/** What is known of a blob that cost too much, for failures that happen once in many runs on machines of others. */
import type { Registry } from "../../e2e/lib/registry.ts";
import type { Workspace } from "../../e2e/lib/workspace.ts";
import type { HoldingRegistry } from "./holding_registry.ts";

/** Who has seen something. */
export interface Witnesses {
  readonly registry: Pick<Registry, "requests">;
  readonly tap: Pick<HoldingRegistry, "asked">;
  readonly workspace: Pick<Workspace, "linesAbout">;
}

/** Who asked the registry for a blob, what it sent, and what the logs of all components say of the blob; a line each. */
export async function evidenceOf(digest: string, { registry, tap, workspace }: Witnesses): Promise<string> {
  const asked = tap.asked().filter(({ path }) => path.endsWith(digest))
    .map(({ at, method, range, userAgent }) => `asked at ${at}: ${method} ${range}, by ${userAgent}`);
  const sent = registry.requests().filter(({ path }) => path.endsWith(digest))
    .map(({ endedAt, method, status, bytes }) => `sent until ${endedAt}: ${method} ${status}, ${bytes} bytes`);
  const lines = await workspace.linesAbout(digest.slice(digest.indexOf(":") + 1));
  const logged = lines.filter((line) => !line.startsWith("registry.log:")); // told already
  return [digest, ...[...asked, ...sent, ...logged].map((line) => `  ${line}`)].join("\n");
}
