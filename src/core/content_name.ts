/** Paths of the distribution API that name a content. */
const REGISTRY_PATH = /^\/v2\/(.{1,255})\/(?:blobs|manifests)\/[^/]+$/;

/** What a content is counted under. */
export interface ContentName {
  /** Host and port of the registry, or of whichever server has it; empty when the URL says none. */
  readonly registry: string;
  /** Empty for what is no content of a registry. */
  readonly repository: string;
}

/** Whose content it is that a URL leads to. */
export function contentNameOf(url: string): ContentName {
  if (!URL.canParse(url)) return { registry: "", repository: "" };
  const { host, pathname } = new URL(url);
  return { registry: host, repository: REGISTRY_PATH.exec(pathname)?.[1] ?? "" };
}

/** What cannot be counted apart. */
export const OTHER_NAME = "other";
const NAME_CHARACTERS_MAX = 256;
/** Bytes of one content, repository or host within an hour that are believed: 4 Tbit/s. */
export const HOUR_BYTES_MAX = 2 ** 51;

/** What somebody else's name is counted under: itself, or {@link OTHER_NAME} when it is no short text on one line. */
export function countedName(name: string): string {
  // deno-lint-ignore no-control-regex -- what people see in tables, and what databases take
  return name.length > NAME_CHARACTERS_MAX || /[\x00-\x1f\x7f]/.test(name) ? OTHER_NAME : name;
}
