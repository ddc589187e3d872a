import { type ImageLogin, namingArgs, NO_LOGIN, NO_NAMING, type TaskNaming } from "../parts/task_naming.ts";

export const SCOPES = ["single_seed_peer", "all_seed_peers", "all_peers"] as const;
export const TARGETS = ["all", "ips", "count", "percentage"] as const;

/** A preheat as it is being written; an empty text asks for nothing. */
export interface PreheatDraft extends TaskNaming, ImageLogin {
  readonly kind: "image" | "file";
  readonly urls: readonly string[];
  readonly scope: (typeof SCOPES)[number];
  readonly target: (typeof TARGETS)[number];
  readonly ips: readonly string[];
  readonly count: string;
  readonly percentage: string;
  /** A line each. */
  readonly headers: string;
}

export const NEW_PREHEAT: PreheatDraft = {
  ...{ ...NO_NAMING, ...NO_LOGIN, kind: "image", urls: [""], scope: "single_seed_peer", target: "all", ips: [] },
  ...{ count: "1", percentage: "50", headers: "" },
};

/** The arguments of the job that a draft orders. */
export function argsOf(draft: PreheatDraft): Record<string, unknown> {
  const { kind, scope, target } = draft;
  const urls = draft.urls.map((url) => url.trim()).filter((url) => url !== "");
  const args: Record<string, unknown> = {
    type: kind,
    ...(kind === "image" ? { url: urls[0] ?? "" } : { urls }),
    ...namingArgs(draft),
    scope,
    headers: headersOf(draft.headers),
  };
  if (kind === "image") {
    Object.assign(args, { username: draft.username, password: draft.password, platform: draft.platform });
  }
  if (scope === "single_seed_peer" || target === "all") return args;
  if (target === "ips") return { ...args, ips: [...draft.ips] };
  return { ...args, [target]: Number(draft[target]) };
}

/** `Name: value` a line; a line without a colon is a name without a value. */
export function headersOf(text: string): Record<string, string> {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  }));
}

/** {@link headersOf} the other way, for reading; what is no header is left out. */
export function headerLines(headers: unknown): string[] {
  if (typeof headers !== "object" || headers === null) return [];
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

/** What a preheat is about: its URL, or the first of several. */
export function addressOf(args: Readonly<Record<string, unknown>>): string {
  const { url, urls } = args;
  const all = [
    ...(typeof url === "string" && url !== "" ? [url] : []),
    ...(Array.isArray(urls) ? urls.map(String) : []),
  ];
  return all.length > 1 ? `${all[0]} (+${all.length - 1})` : all[0] ?? "-";
}
