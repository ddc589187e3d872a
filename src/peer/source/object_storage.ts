/** Names and addresses of objects in S3-compatible storages. */
import { DamselflyError } from "../../core/error.ts";
import type { ObjectStorageAccess, SourceRequest } from "./source.ts";

export const REGION_DEFAULT = "us-east-1";
const ENDPOINT_DEFAULT = "https://s3.REGION.amazonaws.com";
/** In an endpoint, the place of the bucket; without it the bucket is the first part of the path. */
const BUCKET_MARK = "{bucket}";

const BUCKET = /^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$/;
/** What may stand in a host name. */
const REGION = /^[a-z0-9-]{1,64}$/i;

/** What a `s3://bucket/key` URL names. */
export interface ObjectName {
  readonly bucket: string;
  /** Decoded, without a slash at its beginning; a directory's ends with one, or is empty. */
  readonly key: string;
}

/** Parses a URL of an object or of a directory. Throws `invalid_argument`. */
export function parseObjectUrl(text: string): ObjectName {
  const url = new URL(text);
  const { hostname: bucket, pathname, search, hash, username, password, port } = url;
  if (!BUCKET.test(bucket)) throw badUrl("its bucket is no name of one");
  if ([search, hash, username, password, port].some((part) => part !== "")) {
    throw badUrl("it has more than a bucket and a key; ? and # in a key are written %3F and %23");
  }
  try {
    return { bucket, key: decodeURIComponent(pathname.slice(1)) };
  } catch {
    throw badUrl("a % of its key is followed by no two hexadecimal digits of UTF-8");
  }
}

/** The URL of an object beside others of a bucket, in the form of which stock peers make task ids. */
export function urlOfKey(bucket: string, key: string): string | undefined {
  if (hasDots(key)) return undefined;
  const url = new URL(`s3://${bucket}/`);
  url.pathname = `/${key.replaceAll("%", "%25")}`;
  return url.href;
}

/** Where an object is reached. Throws `invalid_argument`. */
export function objectUrl({ url, objectStorage }: Pick<SourceRequest, "url" | "objectStorage">): URL {
  const { bucket, key } = parseObjectUrl(url);
  if (hasDots(key)) throw badUrl("its key has a part that no URL can have, . or ..");
  const { href } = bucketUrl(bucket, objectStorage);
  return new URL(`${href.replace(/\/$/, "")}/${key.split("/").map(encodePart).join("/")}`);
}

/** Where a bucket is reached. Throws `invalid_argument`. */
export function bucketUrl(bucket: string, { region = REGION_DEFAULT, endpoint }: ObjectStorageAccess = {}): URL {
  if (!REGION.test(region)) {
    throw new DamselflyError("invalid_argument", `Cannot sign for the region "${region.slice(0, 64)}"`);
  }
  const template = endpoint ?? ENDPOINT_DEFAULT.replace("REGION", region);
  const isPartOfHost = template.includes(BUCKET_MARK);
  const text = template.replaceAll(BUCKET_MARK, bucket).replace(/\/+$/, "");
  const whole = isPartOfHost ? text : `${text}/${bucket}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) &&
    [url.search, url.hash, url.username, url.password].every((part) => part === "");
  if (!isPlain) {
    throw new DamselflyError(
      "invalid_argument",
      "Cannot use the endpoint of the object storage: expected a URL such as https://s3.eu-west-1.amazonaws.com",
    );
  }
  return url;
}

/** Whether a key has parts that URLs know to be none: they would lead to another object, or out of the bucket. */
function hasDots(key: string): boolean {
  return key.split("/").some((part) => part === "." || part === "..");
}

/** As signatures have it: all but letters, digits, `-`, `.`, `_` and `~` is encoded. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function badUrl(why: string): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot use the URL as s3://BUCKET/KEY: ${why}`);
}
