/** The codings that files of the console come in. */
export type ContentCoding = "br" | "gzip" | "identity";

/** Smallest first: of codings that a client likes as well, the first is sent. */
const CODINGS: readonly ContentCoding[] = ["br", "gzip", "identity"];
const ENTRIES_MAX = 50;

/** The coding to send by an `Accept-Encoding` header (RFC 9110 §12.5.3); plain bytes where it allows none of ours. */
export function chooseCoding(header: string | undefined): ContentCoding {
  const asked = new Map((header ?? "").toLowerCase().split(",", ENTRIES_MAX).map(parseEntry));
  const weightOf = (coding: ContentCoding) => {
    // Plain bytes are always allowed, but when they are refused by name; they are what is left when nothing else is.
    return asked.get(coding) ?? (coding === "identity" ? 0 : asked.get("*") ?? 0);
  };
  let best: ContentCoding = "identity";
  for (const coding of CODINGS.toReversed()) {
    if (weightOf(coding) > 0 && weightOf(coding) >= weightOf(best)) best = coding;
  }
  return best;
}

function parseEntry(entry: string): [string, number] {
  const [name = "", ...parameters] = entry.split(";").map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  const weight = quality === undefined ? 1 : Number(quality);
  return [name, weight >= 0 && weight <= 1 ? weight : 0];
}
