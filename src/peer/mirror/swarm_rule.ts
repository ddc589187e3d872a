import type { Pattern } from "../../core/pattern.ts";
import type { TaskWishes } from "./task_wishes.ts";

/** A row of `proxy.rules`. */
export interface SwarmRule {
  readonly regex: Pattern;
  /** A match is not shared. */
  readonly direct?: boolean | undefined;
  /** The source is asked by https, whatever the request said. */
  readonly useTLS?: boolean | undefined;
  /** `host:port` that is asked in place of the one that the URL names. */
  readonly redirect?: string | undefined;
  /** Query parameters that do not tell one content from another; undefined: those of well-known signed URLs. */
  readonly filteredQueryParams?: readonly string[] | undefined;
}

/** The rule for a URL: the first one that matches it without its query. */
export function ruleFor(url: string, rules: readonly SwarmRule[]): SwarmRule | undefined {
  const [bare = ""] = url.split(/[?#]/);
  return rules.find(({ regex }) => regex.test(bare));
}

/** Whether what a rule is for is shared: the rule says so, or the requester. */
export function isForSwarm(rule: SwarmRule | undefined, { useSwarm }: TaskWishes): boolean {
  return useSwarm || (rule !== undefined && rule.direct !== true);
}

/** Where a URL leads by its rule: to another host, or by https. */
export function ruledUrl(url: URL, rule: SwarmRule | undefined): URL {
  const ruled = new URL(url);
  if (rule?.useTLS === true) ruled.protocol = "https:";
  if (rule?.redirect !== undefined) {
    ruled.port = ""; // else it would stay where `redirect` names none
    ruled.host = rule.redirect;
  }
  return ruled;
}

/** Whether rules send requests to an origin, so that its address is not questioned. */
export function isRuledOrigin(origin: string, rules: readonly SwarmRule[]): boolean {
  return rules.some(({ redirect }) => {
    return redirect !== undefined &&
      ["http:", "https:"].some((scheme) => new URL(`${scheme}//${redirect}`).origin === origin);
  });
}
