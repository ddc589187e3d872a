/** Decides what is said of each thing: what the code has, and the notes where they add to it and never against it. */
import { matches, type Note, type Section } from "./facts.ts";

/** Whether Damselfly has a thing of Dragonfly's. */
export type Verdict = "yes" | "differs" | "no";

/** What the code says of one thing. */
export interface Finding {
  readonly verdict: Verdict;
  /** What differs, or why it is not there, as far as the code can tell. */
  readonly why?: string;
}

/** What the page says of one thing. */
export interface Judgement {
  readonly name: string;
  readonly verdict: Verdict;
  /** Empty for a plain yes. */
  readonly why: string;
}

/** What the page says of a feature, which needs several things. */
export interface JudgedFeature {
  readonly name: string;
  /** `partly` when some of what it needs is there and some is not. */
  readonly verdict: Verdict | "partly";
  readonly remark: string;
}

/** The judgements of a section, and what is wrong with its notes. */
export interface Judged {
  readonly judgements: readonly Judgement[];
  /** Sentences; with a single one the page must not be written. */
  readonly faults: readonly string[];
}

const NO_REASON = "the code does not have these, write notes that say why";
const STALE_NO = "notes say no, but the code has these, remove the notes";
const STALE_DIFFERENCE = "notes are for what the code has, but it does not have these, write why";
const STALE_NOTE = "no thing is left for these notes, remove them";

/** Judges every thing of a section by what the code says of it. */
export function judge({ things, notes }: Section, findingOf: (name: string) => Finding): Judged {
  const judgements: Judgement[] = [];
  const faults = new Map<string, string[]>();
  const blame = (fault: string, name: string) => faults.set(fault, [...faults.get(fault) ?? [], name]);
  const used = new Set<string>();
  for (const name of Object.keys(things)) {
    const found = noteOf(name, notes);
    if (found !== undefined) used.add(found.key);
    const judged = joined(findingOf(name), found?.note);
    if (typeof judged === "string") blame(judged, name);
    else judgements.push({ name, ...judged });
  }
  for (const [index, { of }] of notes.entries()) {
    for (const glob of of) {
      if (!used.has(`${index} ${glob}`)) blame(STALE_NOTE, glob);
    }
  }
  return { judgements, faults: [...faults].map(([fault, names]) => `${fault}: ${names.join(", ")}`) };
}

function noteOf(name: string, notes: readonly Note[]): { readonly note: Note; readonly key: string } | undefined {
  for (const [index, note] of notes.entries()) {
    const glob = note.of.find((glob) => matches(glob, name));
    if (glob !== undefined) return { note, key: `${index} ${glob}` };
  }
  return undefined;
}

/** The judgement; a text says why there cannot be one. */
function joined(finding: Finding, note: Note | undefined): Omit<Judgement, "name"> | string {
  const isThere = finding.verdict !== "no";
  const why = finding.why === undefined ? "" : sentence(finding.why);
  if (note === undefined) {
    return isThere || why !== "" ? { verdict: finding.verdict, why } : NO_REASON;
  }
  if ("no" in note) return isThere ? STALE_NO : { verdict: "no", why: sentence(note.no) };
  if (!isThere) return STALE_DIFFERENCE;
  if ("refused" in note) return { verdict: "no", why: sentence(note.refused) };
  return { verdict: "differs", why: `${why} ${sentence(note.differs)}`.trim() };
}

/** Reasons that the summary gives for one feature; the sections have them all. */
const REASONS_MAX = 2;

/** Judges a feature by all that it needs, and says what most of what is missing lacks. */
export function judgeFeature(name: string, needed: readonly Judgement[], remark: string | undefined): JudgedFeature {
  const missing = needed.filter(({ verdict }) => verdict === "no");
  const different = needed.filter(({ verdict }) => verdict === "differs");
  const verdict = missing.length > 0
    ? missing.length === needed.length ? "no" : "partly"
    : different.length > 0
    ? "differs"
    : "yes";
  if (remark !== undefined) return { name, verdict, remark };
  const reasons = [...new Set((missing.length > 0 ? missing : different).map(({ why }) => why))];
  return { name, verdict, remark: reasons.slice(0, REASONS_MAX).join(" ") };
}

/** A reason as a sentence; names such as dfget and gRPC keep their first letter. */
function sentence(text: string): string {
  const isWord = /^(?!df)[a-z]+(?![A-Za-z])/.test(text);
  const start = isWord ? text.slice(0, 1).toUpperCase() : text.slice(0, 1);
  return `${start}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
