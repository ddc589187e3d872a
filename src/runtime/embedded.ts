/** What a build puts before the code of a bundle: globals, so that one line each can set them. */
export type EmbeddedName = "console" | "commit";

const key = (name: EmbeddedName): symbol => Symbol.for(`damselfly.${name}`);

/** What this bundle holds under a name; undefined where it holds nothing, and in a checkout. */
export function embedded(name: EmbeddedName): string | undefined {
  const value = (globalThis as Record<symbol, unknown>)[key(name)];
  return typeof value === "string" ? value : undefined;
}

/** The line of code that makes a bundle hold `text`. */
export function embeddingLine(name: EmbeddedName, text: string): string {
  return `globalThis[Symbol.for(${JSON.stringify(key(name).description)})]=${JSON.stringify(text)};`;
}
