import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { rangeAnswer } from "./range_answer.ts";

/** Whose requests an {@link S3Storage} takes, and how it is asked. */
export interface S3StorageOptions {
  readonly region?: string;
  readonly accessKeyId?: string;
  readonly accessKeySecret?: string;
  /** Requests must have it, as those with temporary keys do. */
  readonly sessionToken?: string;
  /** Keys of one page of a list. */
  readonly pageKeys?: number;
}

/** A running storage with one bucket, `models`. */
export interface S3Storage extends AsyncDisposable {
  readonly endpoint: string;
  readonly objects: Map<string, Uint8Array<ArrayBuffer>>;
  /** `GET /models/key`, of those that were let in. */
  readonly requests: string[];
}

export const S3_BUCKET = "models";
export const S3_KEYS = { accessKeyId: "AKIDEXAMPLE", accessKeySecret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

/** A storage that speaks S3, checks signatures on its own, and refuses as AWS does. */
export function startS3Storage(options: S3StorageOptions = {}): S3Storage {
  const { region = "eu-west-1", pageKeys = 1_000, sessionToken } = options;
  const keys = { ...S3_KEYS, ...options };
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const requests: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const refused = refusalOf(request, { ...keys, region, sessionToken });
    if (refused !== undefined) return refused;
    const { pathname, searchParams } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    const [, bucket, ...rest] = pathname.split("/").map(decodeURIComponent);
    if (bucket !== S3_BUCKET) return error(404, "NoSuchBucket", "The specified bucket does not exist");
    if (rest.length === 0 || searchParams.has("list-type")) return pageOf(objects, searchParams, pageKeys);
    const content = objects.get(rest.join("/"));
    if (content === undefined) return error(404, "NoSuchKey", "The specified key does not exist.");
    return rangeAnswer(request, content, { etag: `"${createHash("md5").update(content).digest("hex")}"` });
  });
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    objects,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface Expected {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly region: string;
  readonly sessionToken: string | undefined;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** Checks a signature as the storage's documentation has it (AWS Signature Version 4, authorization header). */
function refusalOf(request: Request, expected: Expected): Response | undefined {
  const [, id = "", date = "", region = "", signedHeaders = "", signature = ""] =
    AUTHORIZATION.exec(request.headers.get("authorization") ?? "") ?? [];
  if (id === "") return error(403, "AccessDenied", "Access Denied");
  if (id !== expected.accessKeyId) return error(403, "InvalidAccessKeyId", "The key does not exist in our records.");
  if (region !== expected.region) {
    const message = `The authorization header is malformed; the region '${region}' is wrong`;
    return error(400, "AuthorizationHeaderMalformed", message, `<Region>${expected.region}</Region>`);
  }
  if (request.headers.get("x-amz-security-token") !== (expected.sessionToken ?? null)) {
    return error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  const names = signedHeaders.split(";");
  const mustBeSigned = ["host", ...[...request.headers.keys()].filter((name) => name.startsWith("x-amz-"))];
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", request.headers.get("x-amz-date"), scope, sha256(canonical(request, names))];
  const hmac = (key: string | Uint8Array, part: string) => createHmac("sha256", key).update(part).digest();
  const key = [date, region, "s3", "aws4_request"].reduce<string | Uint8Array>(hmac, `AWS4${expected.accessKeySecret}`);
  const isRight = timingSafeEqual(hmac(key, text.join("\n")), Uint8Array.fromHex(signature));
  if (isRight && mustBeSigned.every((name) => names.includes(name))) return undefined;
  return error(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the one you provided.",
  );
}

function canonical(request: Request, names: readonly string[]): string {
  const { pathname, searchParams, host } = new URL(request.url);
  const encoded = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const path = pathname.split("/").map((part) => encoded(decodeURIComponent(part))).join("/");
  const query = [...searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort().join("&");
  const valueOf = (name: string) => name === "host" ? host : request.headers.get(name)?.trim().replace(/ +/g, " ");
  const headers = names.map((name) => `${name}:${valueOf(name)}\n`).join("");
  const body = request.headers.get("x-amz-content-sha256");
  return [request.method, path, query, headers, names.join(";"), body].join("\n");
}

function pageOf(objects: S3Storage["objects"], query: URLSearchParams, pageKeys: number): Response {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, pageKeys);
  // Who does not ask for it gets keys as they are.
  const isEncoded = query.get("encoding-type") === "url";
  const written = (key: string) => isEncoded ? encodeURIComponent(key).replaceAll("%20", "+") : escaped(key);
  const rows = page.map((key) => {
    const size = objects.get(key)?.length;
    return `<Contents><Key>${written(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>` +
      `<ETag>&quot;0&quot;</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  });
  const isCut = page.length < keys.length;
  const next = isCut ? `<NextContinuationToken>${escaped(page.at(-1) ?? "")}</NextContinuationToken>` : "";
  return xml(
    200,
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
      `${isEncoded ? "<EncodingType>url</EncodingType>" : ""}<IsTruncated>${isCut}</IsTruncated>${next}${
        rows.join("")
      }</ListBucketResult>`,
  );
}

function error(status: number, code: string, message: string, more = ""): Response {
  return xml(status, `<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`);
}

function xml(status: number, body: string): Response {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${body}`;
  return new Response(text, { status, headers: { "content-type": "application/xml" } });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
