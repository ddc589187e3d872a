import { parseXml, XmlElement } from "@rgrove/parse-xml";

/** One page of the objects of a bucket. */
export interface Listing {
  readonly objects: readonly { readonly key: string; readonly contentLength: number }[];
  /** What the next page is asked for with; undefined when this is the last one. */
  readonly next: string | undefined;
}

/** Parses the answer to ListObjectsV2; undefined for what is none. */
export function parseListing(text: string): Listing | undefined {
  const root = rootOf(text);
  if (root?.name !== "ListBucketResult") return undefined;
  const decode = childText(root, "EncodingType") === "url" ? decodeKey : (key: string) => key;
  const objects = childrenOf(root, "Contents").map((element) => ({
    key: decode(childText(element, "Key") ?? ""),
    contentLength: Number(childText(element, "Size") ?? NaN),
  }));
  const isRight = objects.every(({ key, contentLength }) => key !== "" && Number.isSafeInteger(contentLength));
  const isLast = childText(root, "IsTruncated") !== "true";
  const next = isLast ? undefined : childText(root, "NextContinuationToken");
  return isRight && (isLast || (next ?? "") !== "") ? { objects, next } : undefined;
}

function rootOf(text: string): XmlElement | undefined {
  try {
    return parseXml(text).root ?? undefined;
  } catch {
    return undefined;
  }
}

function childrenOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name);
}

function childText(parent: XmlElement, name: string): string | undefined {
  return childrenOf(parent, name)[0]?.text;
}

/** As in forms, where a space is a plus; what was not encoded after all stays as it is. */
function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
