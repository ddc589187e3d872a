import type { Pattern } from "../../core/pattern.ts";
import type { TaskWishes } from "./task_wishes.ts";

/** A row of `proxy.rules`. */
export interface SwarmRule {
  readonly regex: Pattern;
  /** Query parameters that do not tell one content from another; undefined: those of well-known signed URLs. */
  readonly filteredQueryParams?: readonly string[] | undefined;
}

/** The rule by which the content of a URL is shared; the first one that matches the URL without its query. */
export function ruleFor(url: string, rules: readonly SwarmRule[]): SwarmRule | undefined {
  const [bare = ""] = url.split(/[?#]/);
  return rules.find(({ regex }) => regex.test(bare));
}

/** Whether the content of a URL is shared: a rule says so, or the requester. */
export function isForSwarm(url: string, { useSwarm }: TaskWishes, rules: readonly SwarmRule[]): boolean {
  return useSwarm || ruleFor(url, rules) !== undefined;
}
