/** What the records of pulls cost: beside pulls of which none is kept, and by themselves. */
import { createHash } from "node:crypto";
import process from "node:process";
import { parseDigest } from "../../src/core/digest.ts";
import { pieceAt, piecePlan } from "../../src/core/piece.ts";
import { pullVerdict } from "../../src/core/pull_story.ts";
import { findPulls } from "../../src/peer/records/find_pulls.ts";
import { Recorder } from "../../src/peer/records/recorder.ts";
import { PULLS_MAX, RecordStore } from "../../src/peer/records/record_store.ts";
import type { Peer } from "../../src/rpc/gen/common/v2/common.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { digestOf } from "./blob_registry.ts";
import { median } from "./manager/load.ts";
import type { Row } from "./manager/report.ts";
import { type Pull, pull } from "./one_pull.ts";
import { type PeerName, PEERS, startStage } from "./pull_stage.ts";

const MIB = 1024 * 1024;
const CONTENT_BYTES = 64 * MIB;
const PIECE_BYTES = MIB / 2;
/** Of both, one after the other, so that what drifts meets both alike. */
const ABBA = [true, false, false, true] as const;
const PARENTS = 4;
const RECORDED_PULLS = 400;
const QUESTIONS = 50;
/** Of the time of a pull. */
const PERCENT_MAX = 1;
const HIDDEN = { atMost: PERCENT_MAX };

/** A pull that a peer makes alone, one with a seed, and one from others: all that records can cost is in them. */
const WAYS: readonly (readonly [from: PeerName, blob: string])[] = [
  ["alone", "lone"],
  ["first", "shared"],
  ["second", "shared"],
];

/** Pulls of peers that record them beside those of peers that do not, in one run. */
export async function measureRecords(rounds: number): Promise<Row[]> {
  await using recording = await startStage(CONTENT_BYTES);
  await using silent = await startStage(CONTENT_BYTES, { recordsPulls: false });
  const totals = { ms: [[], []] as [number[], number[]], cpu: [[], []] as [number[], number[]] };
  for (let round = 0; round <= rounds; round++) {
    for (const [turn, isRecorded] of ABBA.entries()) {
      const stage = isRecorded ? recording : silent;
      const pulls: Pull[] = [];
      for (const [from, blob] of WAYS) {
        const name = `${blob}-${round}-${turn}`;
        pulls.push(await pull(stage, from, name, digestOf(name, CONTENT_BYTES)));
      }
      if (round === 0) continue; // the first one warms up
      totals.ms[isRecorded ? 0 : 1].push(pulls.reduce((sum, { ms }) => sum + ms, 0));
      totals.cpu[isRecorded ? 0 : 1].push(pulls.reduce((sum, one) => sum + ofPeers(one), 0));
    }
  }
  const percentOf = ([with_, without]: [number[], number[]]) => 100 * (median(with_) / median(without) - 1);
  const pullCpuMs = 1_000 * median(totals.cpu[1]) / WAYS.length;
  const { recordMs, explainMs } = measureAlone();
  return [
    { what: "records, ABBA: more time of pulls", value: percentOf(totals.ms), unit: "%", target: HIDDEN },
    { what: "records, ABBA: more processor time of peers", value: percentOf(totals.cpu), unit: "%", target: HIDDEN },
    {
      what: `a record by itself, of ${CONTENT_BYTES / PIECE_BYTES} pieces, of the processor time of a pull`,
      ...{ value: 100 * recordMs / pullCpuMs, unit: "%", target: HIDDEN },
    },
    { what: "a record by itself", value: recordMs, unit: "ms" },
    { what: `an explanation, of ${PULLS_MAX} pulls that are kept`, value: explainMs, unit: "ms" },
  ];
}

function ofPeers({ cpuSeconds }: Pull): number {
  return PEERS.reduce((sum, name) => sum + cpuSeconds[name], 0);
}

/** Processor time of noting, writing and explaining pulls, without any bytes of them. */
function measureAlone(): { readonly recordMs: number; readonly explainMs: number } {
  const dir = Deno.makeTempDirSync();
  try {
    using store = new RecordStore(`${dir}/pulls.db`, "bench");
    using recorder = new Recorder({ clock: realClock(), log: silentLog(), store });
    recordPulls(recorder, PULLS_MAX); // from here on the first ones are forgotten
    const recordMs = cpuMsOf(() => recordPulls(recorder, RECORDED_PULLS)) / RECORDED_PULLS;
    const explainMs = cpuMsOf(() => {
      for (let n = 0; n < QUESTIONS; n++) {
        const { pulls } = findPulls(digestOfPull(n), { store, unstored: recorder.running() }, 100);
        if (pulls.map(pullVerdict).length === 0) throw new Error("nothing was recorded");
      }
    }) / QUESTIONS;
    return { recordMs, explainMs };
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

function cpuMsOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function digestOfPull(n: number): string {
  return `sha256:${createHash("sha256").update(`pull ${n % RECORDED_PULLS}`).digest("hex")}`;
}

/** Pulls from some parents, as a download notes them; each is written for itself, which costs most. */
function recordPulls(recorder: Recorder, count: number): void {
  const journal = recorder.journal(() => undefined);
  const plan = piecePlan(CONTENT_BYTES, PIECE_BYTES);
  const parents = Array.from({ length: PARENTS }, (_, k): Peer => {
    return { id: `parent-${k}`, host: { id: `h${k}`, ip: `10.0.0.${k}`, hostname: `h${k}`, type: 0 } } as Peer;
  });
  for (let n = 0; n < count; n++) {
    const digest = parseDigest(digestOfPull(n));
    const url = `https://r.io/v2/team/app/blobs/${digest.text}`;
    const request = {
      ...{ taskId: digest.hex, digest, priority: 6, filteredQueryParams: [], isBlobDigestTaskId: true },
      ...{ needBackToSource: false, disableBackToSource: false, source: { url, headers: {} } },
    };
    const times = { createdAtMs: 0, updatedAtMs: 0, finishedAtMs: 0 };
    const record = {
      taskId: digest.hex,
      url,
      plan,
      digest,
      responseHeaders: {},
      otherIds: [],
      isSealed: false,
      ...times,
    };
    recorder.atSource(url, "source_answer", { ms: 5, subject: "r.io" });
    const notes = journal.began({ peerId: `p${n}`, request, record, localBytes: 0 });
    notes.note("decision", { ms: 10 });
    notes.offered(parents);
    for (let number = 0; number < pieceAt(plan, CONTENT_BYTES - 1) + 1; number++) {
      const piece = { number, digest: "crc32:0", costMs: 1, finishedAtMs: 0, trafficType: "remote_peer" } as const;
      notes.received({ ...piece, parentId: `parent-${number % PARENTS}` }, PIECE_BYTES);
    }
    notes.note("seal", { ms: 1 });
    notes.ended();
    recorder.flush();
  }
}
