import { PATHS } from "../paths.ts";
import type { Texts } from "../text/en.ts";

interface Entry {
  readonly to: string;
  readonly label: string;
  /** The right that its page is of no use without. */
  readonly object: string;
  readonly action?: "*";
}

/** Entries that belong together. */
export interface Section {
  readonly title?: string;
  readonly entries: readonly Entry[];
}

/** The navigation of somebody with these rights, without sections that are empty for him. */
export function sectionsOf(
  { navigation }: Texts,
  may: (object: string, action: "read" | "*") => boolean,
): Section[] {
  const all: readonly Section[] = [
    {
      entries: [
        { to: PATHS.home, label: navigation.overview, object: "clusters" },
        { to: PATHS.swarms, label: navigation.swarms, object: "clusters" },
        { to: PATHS.pulls, label: navigation.pulls, object: "clusters" },
        { to: PATHS.clusters, label: navigation.clusters, object: "clusters" },
        { to: PATHS.match, label: navigation.match, object: "clusters" },
        { to: PATHS.savings, label: navigation.savings, object: "clusters" },
      ],
    },
    { title: navigation.jobs, entries: [{ to: PATHS.preheats, label: navigation.preheats, object: "jobs" }] },
    {
      title: navigation.resource,
      entries: [
        { to: PATHS.taskClear, label: navigation.taskClear, object: "jobs", action: "*" },
        { to: PATHS.taskExecutions, label: navigation.taskExecutions, object: "jobs" },
        { to: PATHS.cacheTasks, label: navigation.cacheTasks, object: "persistent-cache-tasks" },
      ],
    },
    {
      title: navigation.developer,
      entries: [{ to: PATHS.tokens, label: navigation.tokens, object: "personal-access-tokens" }],
    },
    {
      title: navigation.administration,
      entries: [
        { to: PATHS.gcJob, label: navigation.gcJob, object: "configs" },
        { to: PATHS.gcAudit, label: navigation.gcAudit, object: "configs" },
        { to: PATHS.audit, label: navigation.audit, object: "audits" },
        { to: PATHS.users, label: navigation.users, object: "users" },
      ],
    },
  ];
  return all
    .map((section) => ({
      ...section,
      entries: section.entries.filter(({ object, action }) => may(object, action ?? "read")),
    }))
    .filter(({ entries }) => entries.length > 0);
}

/** Whether a page is the one of an entry, or was reached through it. */
export function isBelow(pathname: string, to: string): boolean {
  return pathname === to || (to !== PATHS.home && pathname.startsWith(`${to}/`));
}
