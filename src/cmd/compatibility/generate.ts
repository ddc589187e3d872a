/** `docs/compatibility.md`: what Dragonfly has, and what the code says of it. */
import { realClock } from "../../runtime/clock.ts";
import { PROGRAMS } from "../damselfly.ts";
import { parseFeatures, parseSurface } from "./facts.ts";
import { commandsOf, flags } from "./kind_flags.ts";
import { keys } from "./kind_keys.ts";
import { headers, variables } from "./kinds_by_name.ts";
import { metrics, routes, rpcs } from "./kinds_running.ts";
import { RunningCluster } from "./running_cluster.ts";
import { judgeSurface, type Outcome, writePage } from "./survey.ts";

const PAGE = "docs/compatibility.md";
/** One file a kind, and one for the summary. */
const FACTS = "docs/compatibility";
const START_TIMEOUT_MS = 60_000;

/**
 * The page, by path from the project's root. Starts a manager, a scheduler and a dfdaemon on free ports to ask them.
 * Throws `failed_precondition` when the data and the code do not agree.
 */
export async function generateCompatibility(): Promise<Map<string, string>> {
  const commands = await commandsOf(PROGRAMS);
  using limit = realClock().deadline(START_TIMEOUT_MS);
  await using running = await RunningCluster.start(limit.signal);
  const { permissions } = JSON.parse(await Deno.readTextFile("deno.json"));
  const kinds = [
    ...[rpcs(running), routes(running), flags(commands), variables(permissions)],
    ...[keys(), headers(), metrics(running)],
  ];
  const outcomes: Outcome[] = [];
  for (const kind of kinds) {
    const surface = parseSurface(await Deno.readTextFile(`${FACTS}/${kind.name}.yaml`));
    outcomes.push(await judgeSurface(kind, surface));
  }
  const features = parseFeatures(await Deno.readTextFile(`${FACTS}/features.yaml`));
  return new Map([[PAGE, writePage(features, outcomes)]]);
}
