import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { ListTaskEntriesRequest } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { SourceRequest, SourceStat } from "../source/source.ts";
import { listEntries } from "./list_entries.ts";

const NEVER = new AbortController().signal;

type Stat = (request: SourceRequest, signal: AbortSignal) => Promise<SourceStat>;

function list(stat: Stat, parts: Partial<ListTaskEntriesRequest> = {}, clock = new VirtualClock()) {
  const request = ListTaskEntriesRequest.create({ url: "http://origin.example/file", ...parts });
  return listEntries(request, { source: { stat, list: () => Promise.resolve([]) }, clock }, { signal: NEVER });
}

function refusal(status: number | undefined, headers: Record<string, string> = {}): Stat {
  const details = { status, headers, body: new Uint8Array(0) };
  return () => Promise.reject(new DamselflyError("source_error", "Cannot fetch", { details }));
}

Deno.test("a URL is no directory: the answer has its length and headers, and no entries", async () => {
  const asked: SourceRequest[] = [];
  const stat: Stat = (request) => {
    asked.push(request);
    return Promise.resolve({ contentLength: 7, acceptsRanges: true, responseHeaders: { etag: '"1"' } });
  };
  const answer = await list(stat, { requestHeader: { Authorization: "Bearer t", Host: "other" } });
  assert.deepEqual(answer, { contentLength: 7, responseHeader: { etag: '"1"' }, statusCode: 206, entries: [] });
  assert.equal(asked[0]?.headers["authorization"], "Bearer t");
  assert.equal(asked[0]?.headers["host"], undefined);
  const whole: Stat = () => Promise.resolve({ contentLength: 7, acceptsRanges: false, responseHeaders: {} });
  assert.equal((await list(whole)).statusCode, 200);
});

Deno.test("what the source refuses is answered with its status, and is no failure", async () => {
  const answer = await list(refusal(404, { "content-length": "19" }));
  assert.deepEqual([answer.statusCode, answer.contentLength, answer.entries], [404, 19, []]);
});

Deno.test("a source that does not answer is a failure, at the latest when the time is over", async () => {
  await assert.rejects(list(refusal(undefined)), { code: "source_error" });
  const clock = new VirtualClock();
  const mute: Stat = (_request, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const listing = assert.rejects(list(mute, { timeout: { seconds: 2, nanos: 0 } }, clock), { code: "timeout" });
  await clock.advance(2_000);
  await settle();
  await listing;
});

Deno.test("what is no URL is refused, and a scheme that is not served is unimplemented", async () => {
  for (const url of ["", "/dir/"]) await assert.rejects(list(refusal(404), { url }), { code: "invalid_argument" });
  await assert.rejects(list(refusal(404), { url: "hdfs://host/dir/" }), { code: "unimplemented" });
});

Deno.test("a directory of an object storage has entries, and is asked for with the caller's keys", async () => {
  const asked: SourceRequest[] = [];
  const entries = [{ url: "s3://models/a/b", contentLength: 7, isDirectory: false }];
  const source = {
    stat: refusal(404),
    list: (request: SourceRequest) => {
      asked.push(request);
      return Promise.resolve(entries);
    },
  };
  const objectStorage = {
    region: "r",
    accessKeyId: "id",
    accessKeySecret: "secret",
    sessionToken: "",
    predefinedAcl: "x",
  };
  const request = ListTaskEntriesRequest.fromPartial({ url: "s3://models/a/", objectStorage });
  const deps = { source, clock: new VirtualClock() };
  const answer = await listEntries(request, deps, { callerIp: "10.0.0.7", signal: NEVER });
  assert.deepEqual(answer.entries, [{ url: "s3://models/a/b", contentLength: 7, isDir: false }]);
  const access = { region: "r", accessKeyId: "id", accessKeySecret: "secret" };
  assert.deepEqual(asked, [{ url: "s3://models/a/", headers: {}, objectStorage: access, remoteIp: "10.0.0.7" }]);
  const file = { ...request, url: "s3://models/a/none" };
  await assert.rejects(listEntries(file, deps, { signal: NEVER }), { code: "source_error" }, "its words are kept");
});
