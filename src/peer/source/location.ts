import { DamselflyError } from "../../core/error.ts";
import { objectUrl } from "./object_storage.ts";
import type { SourceRequest } from "./source.ts";

/** Whose URL a request has, and how it is reached. */
type Place = Pick<SourceRequest, "url" | "objectStorage">;

/** What of an S3 storage that has its own scheme in Dragonfly can be said in ours. */
const AS_S3 = "write s3://BUCKET/KEY, and its S3-compatible address as the endpoint";
const AS_URL = "use the https:// URL of the file, and a header for the token";

/** Schemes that Dragonfly knows besides, and what to write instead. */
const NOT_SERVED: Readonly<Record<string, string>> = {
  "gs:": `${AS_S3}, https://storage.googleapis.com, with an HMAC key`,
  "oss:": `${AS_S3}, https://{bucket}.s3.oss-REGION.aliyuncs.com`,
  "obs:": `${AS_S3}, https://{bucket}.obs.REGION.myhuaweicloud.com`,
  "cos:": `${AS_S3}, https://{bucket}.cos.REGION.myqcloud.com`,
  "abs:": "use the https:// URL of the blob with a shared access signature",
  "hdfs:": "use the http:// URL of WebHDFS",
  "hf:": AS_URL,
  "modelscope:": AS_URL,
  "opencsg:": AS_URL,
};

/** For each scheme, where a request for a content goes. */
const LOCATIONS: Readonly<Record<string, (place: Place) => URL>> = {
  "http:": ({ url }) => new URL(url),
  "https:": ({ url }) => new URL(url),
  "s3:": objectUrl,
};

/**
 * The URL over HTTP or HTTPS at which a content is, without signature. Throws `invalid_argument` for what is no URL or
 * cannot be one of an object, `unimplemented` for a scheme that is not served.
 */
export function locationOf(place: Place): URL {
  if (!URL.canParse(place.url)) {
    throw new DamselflyError("invalid_argument", "Cannot go to the source: expected an absolute URL");
  }
  const { protocol } = new URL(place.url);
  const locate = Object.hasOwn(LOCATIONS, protocol) ? LOCATIONS[protocol] : undefined;
  if (locate !== undefined) return locate(place);
  const instead = Object.hasOwn(NOT_SERVED, protocol) ? `; ${NOT_SERVED[protocol]}` : "";
  throw new DamselflyError(
    "unimplemented",
    `Cannot go to the source: only http, https and s3 URLs are served, not ${protocol}//${instead}`,
  );
}

/** Whether {@link locationOf} finds the place of a content. */
export function isLocated(place: Place): boolean {
  try {
    locationOf(place);
    return true;
  } catch (error) {
    if (error instanceof DamselflyError) return false;
    throw error;
  }
}

/** Whether a URL is of an object storage. */
export function isObjectUrl(url: string): boolean {
  return /^s3:/i.test(url);
}
