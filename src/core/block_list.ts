import type { Pattern } from "./pattern.ts";

/** What of a download is looked at. */
export interface BlockedDownload {
  readonly url: string;
  readonly application?: string | undefined;
  readonly tag?: string | undefined;
  readonly priority: number;
}

/** The downloads that an administrator refuses; one hit is enough. */
export interface BlockList {
  readonly applications: ReadonlySet<string>;
  readonly urls: readonly Pattern[];
  readonly tags: ReadonlySet<string>;
  readonly priorities: ReadonlySet<number>;
}

/** A list that refuses nothing. */
export const NOTHING_BLOCKED: BlockList = {
  applications: new Set(),
  urls: [],
  tags: new Set(),
  priorities: new Set(),
};

/** Which entry refuses the download, as words for its requester; undefined when none does. */
export function blockedBy(list: BlockList, { url, application, tag, priority }: BlockedDownload): string | undefined {
  if (application !== undefined && list.applications.has(application)) return `application "${application}"`;
  if (tag !== undefined && list.tags.has(tag)) return `tag "${tag}"`;
  if (list.priorities.has(priority)) return `priority ${priority}`;
  const pattern = list.urls.find((candidate) => candidate.test(url));
  return pattern === undefined ? undefined : `URL pattern "${pattern.text}"`;
}
