import type { Command } from "commander";
import type { ListPullsResponse, Pull } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { formatBytes, formatMs } from "../format.ts";
import { formatTable } from "../table.ts";
import { type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { listPulls } from "./explain.ts";
import { option, verb, wholeNumber } from "./leaf.ts";
import { contentText, listedJson, sourceBar } from "./pull_view.ts";
import { type DaemonFlags, withDaemonOptions } from "./with_daemon.ts";

const INTERVAL_MS = 1_000;
const MS_PER_SECOND = 1_000;
const PERCENT = 100;
/** Rows of the live view. */
const ROWS_MAX = 20;
/** To the first column of the first line, and away with what stands there. */
const CLEAR_SCREEN = "\x1b[H\x1b[2J";
const ROUNDS_MAX = 1_000_000;

interface Flags extends ShowFlags, DaemonFlags {
  readonly rounds?: number;
}

/** `top`: what this host pulls now. */
export function topCommand(choose: Choose): Command {
  const command = verb(
    "top",
    "Shows what this host pulls now, anew each second; a line each second where that is no terminal.",
  );
  return withDaemonOptions(command)
    .addOption(option("-n, --rounds <count>", "ends after so many", wholeNumber(1, ROUNDS_MAX)))
    .action((flags: Flags) => choose((context) => top(context, flags)));
}

async function top(context: Context, flags: Flags): Promise<void> {
  const { runtime: { clock }, terminal, signal } = context;
  let before: { readonly listed: ListPullsResponse; readonly atMs: number } | undefined;
  for (let round = 1; round <= (flags.rounds ?? Infinity); round++) {
    if (round > 1) await clock.sleep(INTERVAL_MS, signal);
    const listed = await listPulls(context, flags, "", ROWS_MAX);
    const atMs = clock.now();
    const seconds = (atMs - (before?.atMs ?? atMs)) / MS_PER_SECOND;
    const head = headText(listed, before?.listed ?? listed, seconds);
    if (flags.json === true) showJson(terminal, listedJson(listed));
    else if (terminal.columns === undefined) terminal.print(`${head}\n`);
    else terminal.print(`${CLEAR_SCREEN}${head}\n\n${formatTable(shown(listed.pulls), terminal.columns)}`);
    before = { listed, atMs };
  }
}

/** What runs, and how fast bytes come from where. */
function headText(now: ListPullsResponse, before: ListPullsResponse, seconds: number): string {
  const rate = (of: (listed: ListPullsResponse) => number) =>
    `${formatBytes(seconds === 0 ? 0 : Math.max(0, of(now) - of(before)) / seconds)}/s`;
  const running = now.pulls.filter(({ isRunning }) => isRunning).length;
  return `${now.hostname}: ${running} running, ${rate((one) => one.originBytes)} from registries, ` +
    `${rate((one) => one.peerBytes)} from hosts; so far ${formatBytes(now.originBytes)} and ${
      formatBytes(now.peerBytes)
    }`;
}

function shown(pulls: readonly Pull[]) {
  return pulls.slice(0, ROWS_MAX).map((pull) => {
    const { contentLength, originBytes, peerBytes, localBytes, durationMs, isRunning, error, requester } = pull;
    const share = contentLength === 0 ? 1 : Math.min(1, (originBytes + peerBytes + localBytes) / contentLength);
    return {
      "CONTENT": contentText(pull),
      "OF": pull.repository || pull.registry || "-",
      "SIZE": formatBytes(contentLength),
      "DONE": error !== "" ? "failed" : isRunning ? `${Math.floor(share * PERCENT)}%` : "all",
      "TIME": formatMs(durationMs),
      "SOURCES": sourceBar(pull),
      "HOSTS": String(pull.parents.filter(({ bytes }) => bytes > 0).length),
      "FOR": pull.isTriggered ? "other hosts" : requester || "-",
    };
  });
}
