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
