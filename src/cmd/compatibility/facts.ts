/** What Dragonfly has: data files in `docs/compatibility`, one a kind, written by hand from its programs. */
import { parse } from "yaml";
import * as z from "zod";

const REASON_CHARACTERS_MAX = 300;
const reason = z.string().min(1).max(REASON_CHARACTERS_MAX);
const globs = z.array(z.string().min(1)).min(1);

/** What the code cannot say. */
const Note = z.union([
  /** In which way things differ that the code has. */
  z.strictObject({ of: globs, differs: reason }),
  /** Why the code does not have things. */
  z.strictObject({ of: globs, no: reason }),
  /** Why things are of no use all the same that the code knows. */
  z.strictObject({ of: globs, refused: reason }),
]);

const things = z.union([
  z.array(z.string()).transform((names) => Object.fromEntries(names.map((name) => [name, null]))),
  z.record(z.string(), z.unknown()),
]);

const Section = z.strictObject({
  /** Which of our programs, or which of its servers, answers for it; the section's name when left out. */
  at: z.string().optional(),
  about: z.string().optional(),
  /** By name; what is known of each besides depends on the kind. */
  things,
  /** Names in `of` are globs, `*` stands for any text. The first note that names a thing holds. */
  notes: z.array(Note).default([]),
});

const Surface = z.strictObject({
  title: z.string(),
  about: z.string(),
  sections: z.record(z.string(), Section),
});

const Features = z.strictObject({
  about: z.string(),
  features: z.array(z.strictObject({
    name: z.string(),
    /** Globs over `<kind>/<section>/<thing>`. */
    needs: globs,
    remark: reason.optional(),
  })),
});

/** One note, one section, one kind, and the summary. */
export type Note = z.output<typeof Note>;
export type Section = z.output<typeof Section>;
export type Surface = z.output<typeof Surface>;
export type Features = z.output<typeof Features>;

/** Reads one kind. Throws an error that names the place in the file. */
export function parseSurface(text: string): Surface {
  return Surface.parse(parse(text));
}

/** Reads the features of the summary. Throws an error that names the place in the file. */
export function parseFeatures(text: string): Features {
  return Features.parse(parse(text));
}

/** Whether `name` is one that `glob` means. */
export function matches(glob: string, name: string): boolean {
  const escaped = glob.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`).test(name);
}
