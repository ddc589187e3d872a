import { AwsV4Signer } from "aws4fetch";
import { REGION_DEFAULT } from "./object_storage.ts";
import type { SourceRequest } from "./source.ts";

/** The SHA-256 of no body. */
const NO_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** Headers of a request that the storage wants signed. */
const SIGNED = /^x-amz-/;

/**
 * The request for what is at `url` of an S3-compatible storage, signed with the requester's keys (AWS Signature
 * Version 4) at the time `nowMs`; without keys it is not signed.
 */
export async function signedRequest(
  { objectStorage = {}, ...request }: SourceRequest,
  url: URL,
  method: "GET" | "HEAD",
  nowMs: number,
): Promise<SourceRequest> {
  const { headers } = request;
  const { accessKeyId, accessKeySecret, sessionToken, region = REGION_DEFAULT } = objectStorage;
  const at = { ...request, objectStorage, url: url.href };
  if (accessKeyId === undefined || accessKeySecret === undefined) return at;
  const signed = Object.entries(headers).filter(([name]) => SIGNED.test(name));
  const signer = new AwsV4Signer({
    ...{ method, url: url.href, accessKeyId, secretAccessKey: accessKeySecret, service: "s3", region },
    ...(sessionToken !== undefined && { sessionToken }),
    headers: [...signed, ["x-amz-content-sha256", NO_BODY]],
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
  const { headers: signatures } = await signer.sign();
  return { ...at, headers: { ...headers, ...Object.fromEntries(signatures as Headers) } };
}
