/** The languages of the console. */
export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

/** The language to begin with: what was chosen before, else the first one of the browser's that there is. */
export function firstLanguage(chosen: string | undefined, preferred: readonly string[]): Language {
  const known = [chosen ?? "", ...preferred].map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return (known.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en") as Language;
}
