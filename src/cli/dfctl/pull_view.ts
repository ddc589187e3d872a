/** Pulls of a host, for people and for scripts. */
import { isSlowPart, pullSentence, slowestOf } from "../../core/pull_words.ts";
import type { ListPullsResponse, Pull, PullEvent } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { pullJson } from "../../rpc/pull_json.ts";
import type { Terminal } from "../../runtime/terminal.ts";
import { formatBytes, formatMs, formatTimestamp } from "../format.ts";
import { formatFields, formatTable } from "../table.ts";

const BAR_WIDTH = 16;
const DIGITS = 12;
const LEGEND = "Sources: # the registry, = other hosts, . the disk of this host\n";

const WHAT: Readonly<Record<string, string>> = {
  source_answer: "the registry answered",
  source_busy: "the registry was too busy",
  source_denied: "the registry wanted a sign-in",
  source_tls: "no TLS connection",
  source_failure: "the registry failed",
  no_scheduler: "no scheduler was known",
  no_manager: "no manager, no scheduler",
  scheduler_silent: "the scheduler was silent",
  scheduler_failure: "the scheduler failed",
  decision: "the scheduler decided",
  seed_awaited: "the scheduler waited for others",
  to_parents: "sent to parents",
  to_source: "sent to the registry",
  first_piece: "first piece of a parent",
  parent_stalled: "a parent stalled",
  parent_failed: "a parent was given up",
  parent_lied: "a parent gave wrong bytes",
  parents_waiting: "parents had nothing new",
  held: "held by our own limit",
  disk: "slow writes",
  seal: "checked and sealed",
};

/** Prints the pulls of one name: the contents, and of the slowest one what happened. */
export function printImage({ print, columns }: Terminal, name: string, listed: ListPullsResponse): void {
  const pulls = listed.pulls.toReversed(); // in the order of their starts
  print(formatFields({
    "NAME": name,
    ...listed.tagDigest === "" ? {} : { "DIGEST": listed.tagDigest },
    "HOST": listed.hostname,
    "BYTES": sourcesText(pulls),
  }));
  print(`\n${formatTable(pulls.map(contentRow), columns)}${LEGEND}`);
  const at = slowestOf(pulls);
  const slowest = pulls[at];
  if (slowest === undefined) return;
  const number = at + 1;
  print(`\n${pullSentence(slowest, number)}\n`);
  if (slowest.events.length === 0) return;
  print(`\nWhat happened to content ${number}, begun ${formatTimestamp(slowest.startedAt)}:\n`);
  print(formatTable(slowest.events.map((event) => eventRow(event, slowest)), columns));
  if (slowest.droppedEvents > 0) print(`${slowest.droppedEvents} more are not kept.\n`);
}

/** Where the bytes of some pulls came from, in words. */
function sourcesText(pulls: readonly Pull[]): string {
  const sum = (of: (pull: Pull) => number) => pulls.reduce((total, pull) => total + of(pull), 0);
  const hosts = new Set(
    pulls.flatMap(({ parents }) => parents.filter(({ bytes }) => bytes > 0).map(({ hostId }) => hostId)),
  );
  return `${formatBytes(sum((pull) => pull.originBytes))} from the registry, ` +
    `${formatBytes(sum((pull) => pull.peerBytes))} from ${hosts.size} other ${hosts.size === 1 ? "host" : "hosts"}, ` +
    `${formatBytes(sum((pull) => pull.localBytes))} from the disk of this host`;
}

function contentRow(pull: Pull, index: number) {
  const { contentLength, durationMs, firstByteMs, isHit, isRunning, lostMs, cause, error } = pull;
  return {
    "": String(index + 1),
    "CONTENT": contentText(pull),
    "SIZE": formatBytes(contentLength),
    "TIME": isHit ? "-" : formatMs(durationMs) + (isRunning ? "…" : ""),
    "FIRST BYTE": isHit || firstByteMs === undefined ? "-" : formatMs(firstByteMs),
    "SOURCES": sourceBar(pull),
    "WAITED": lostMs === 0 ? "-" : formatMs(lostMs),
    "FOR": error !== "" ? "failed" : cause === "nothing" ? "-" : cause.replaceAll("_", " "),
  };
}

/** What a content is called in a table. */
export function contentText({ digest, url }: Pull): string {
  const [algorithm, hex = ""] = digest.split(":");
  return digest === "" ? url : `${algorithm}:${hex.slice(0, DIGITS)}`;
}

/** `[####======....]`: where the bytes came from, in parts of all that are here. */
export function sourceBar({ originBytes, peerBytes, localBytes }: Pull): string {
  const total = originBytes + peerBytes + localBytes;
  if (total === 0) return `[${" ".repeat(BAR_WIDTH)}]`;
  const ends = [originBytes, originBytes + peerBytes].map((bytes) => Math.round(BAR_WIDTH * bytes / total));
  const [origin = 0, peers = 0] = ends;
  return `[${"#".repeat(origin)}${"=".repeat(peers - origin)}${".".repeat(BAR_WIDTH - peers)}]`;
}

function eventRow({ kind, atMs, ms, subject, detail }: PullEvent, pull: Pull) {
  return {
    "AT": formatMs(Math.max(0, atMs)),
    "WAITED": ms === 0 ? "-" : formatMs(ms),
    "": isSlowPart(ms, pull) ? "<" : "",
    "WHAT": WHAT[kind] ?? kind,
    "WHO": subject || "-",
    "DETAIL": detail || "-",
  };
}

/** The answer for scripts. */
export function listedJson({ pulls, tagDigest, hostname, ...bytes }: ListPullsResponse) {
  return {
    hostname,
    tag_digest: tagDigest === "" ? null : tagDigest,
    origin_bytes: bytes.originBytes,
    peer_bytes: bytes.peerBytes,
    local_bytes: bytes.localBytes,
    pulls: pulls.map(pullJson),
  };
}
