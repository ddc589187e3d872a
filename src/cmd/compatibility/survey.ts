/** Asks for all that the data names, and says it on one page. */
import { DamselflyError } from "../../core/error.ts";
import { type Features, matches, type Section, type Surface } from "./facts.ts";
import { type Finding, judge, type JudgedFeature, judgeFeature } from "./judge.ts";
import type { Kind, Place } from "./kind.ts";
import { type JudgedSurface, pageText } from "./page.ts";

/** A judged surface, and what is wrong with its data. */
export type Outcome = JudgedSurface & { readonly faults: readonly string[] };

/** Judges all of one kind. What Damselfly has alone at one place is listed once, at the first section of that place. */
export async function judgeSurface(kind: Kind, surface: Surface): Promise<Outcome> {
  const known = Map.groupBy(Object.entries(surface.sections), ([name, { at = name }]) => at);
  const listed = new Set<string>();
  const sections = [];
  for (const [name, section] of Object.entries(surface.sections)) {
    const place = { section: name, at: section.at ?? name };
    const findings = await findAll(kind, place, section);
    const judged = judge(section, (thing) => findings.get(thing) ?? { verdict: "no" });
    const things = known.get(place.at)?.flatMap(([, { things }]) => Object.keys(things)) ?? [];
    const ours = kind.alone(place, things).filter((thing) => !listed.has(`${place.at} ${thing}`));
    for (const thing of ours) listed.add(`${place.at} ${thing}`);
    sections.push({ name, about: section.about, ...judged, ours });
  }
  const faults = sections.flatMap(({ name, faults }) => faults.map((fault) => `${kind.name}: ${name}: ${fault}`));
  return { kind: kind.name, surface, sections, faults };
}

async function findAll(kind: Kind, place: Place, { things }: Section): Promise<ReadonlyMap<string, Finding>> {
  const found = Object.entries(things).map(async ([name, fact]) => [name, await kind.find(place, name, fact)] as const);
  return new Map(await Promise.all(found));
}

/**
 * The page. Throws `failed_precondition` with a line for all of which nothing, or something else than the code, is said.
 */
export function writePage(features: Features, outcomes: readonly Outcome[]): string {
  const summary = judgeFeatures(features, outcomes);
  const faults = [...outcomes.flatMap(({ faults }) => faults), ...summary.faults];
  if (faults.length === 0) return pageText(features.about, summary.judged, outcomes);
  const text = faults.map((fault) => `\n  ${fault}`).join("");
  throw new DamselflyError("failed_precondition", `The data on compatibility and the code do not agree:${text}`);
}

/** What is said of a feature by what is said of all that it needs. */
function judgeFeatures({ features }: Features, surfaces: readonly JudgedSurface[]): {
  readonly judged: readonly JudgedFeature[];
  readonly faults: readonly string[];
} {
  const all = surfaces.flatMap(({ kind, sections }) =>
    sections.flatMap(({ name, judgements }) =>
      judgements.map((judgement) => ({ ...judgement, id: `${kind}/${name}/${judgement.name}` }))
    )
  );
  const faults: string[] = [];
  const judged = features.map(({ name, needs, remark }) => {
    const needed = needs.flatMap((glob) => {
      const found = all.filter(({ id }) => matches(glob, id));
      if (found.length === 0) faults.push(`features: ${name}: ${glob} names nothing`);
      return found;
    });
    return judgeFeature(name, needed, remark);
  });
  return { judged, faults };
}
