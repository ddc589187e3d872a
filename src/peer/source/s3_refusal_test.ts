import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { explained } from "./s3_refusal.ts";

/** What is said of a refusal with this body and these headers. */
async function said(xml: string, headers: Record<string, string> = {}): Promise<string> {
  const details = { status: 400, headers, body: new TextEncoder().encode(xml) };
  const refusal = new DamselflyError("source_error", "the source answered 400", { details });
  return await explained(Promise.reject(refusal)).then(() => "", (error: DamselflyError) => error.message);
}

Deno.test("a refusal tells code and message of the storage, and the region that it names", async () => {
  const text = "<Error><Code>PermanentRedirect</Code><Message>Go elsewhere.</Message></Error>";
  const hint = "the bucket is in region eu-west-1: set that one (--storage-region eu-west-1)";
  assert.equal(await said(text), "the source answered 400: PermanentRedirect, Go elsewhere.");
  const headers = { "x-amz-bucket-region": "eu-west-1" };
  assert.equal(await said(text, headers), `the source answered 400: PermanentRedirect, Go elsewhere.; ${hint}`);
  assert.equal(await said("", headers), `the source answered 400: ${hint}`);
  assert.equal(await said("", { "x-amz-bucket-region": "x; rm -rf" }), "the source answered 400");
  // It comes with each answer of that bucket, so that here it is not what is wrong.
  assert.equal(
    await said("<Error><Code>AccessDenied</Code></Error>", headers),
    "the source answered 400: AccessDenied",
  );
});

Deno.test("what a terminal would obey does not reach it, nor does a long story", async () => {
  assert.equal(await said("<Code>A\x1b[2JB\r\nC\x9bD</Code>"), "the source answered 400: A [2JB C D");
  assert.ok((await said(`<Message>${"x".repeat(10_000)}</Message>`)).length < 400);
});
