import assert from "node:assert/strict";
import { SourceRequests } from "./source_requests.ts";

function ask(origin: string, authorization = "") {
  return { url: `${origin}/v2/r/blobs/x`, headers: { authorization } };
}

const [A, B, C] = ["http://a", "http://b:5000", "https://a"].map((origin) => ask(origin)) as [
  ReturnType<typeof ask>,
  ReturnType<typeof ask>,
  ReturnType<typeof ask>,
];

function requestsOf(...all: ReturnType<typeof ask>[]): SourceRequests {
  const requests = new SourceRequests(all[0] ?? A);
  for (const request of all.slice(1)) requests.add(request);
  return requests;
}

Deno.test("a slow source gives way to each other one in turn, and then to one that was clearly faster", () => {
  const requests = requestsOf(A, ask("http://a", "other"), B, C);
  assert.equal(requests.slow(500), true);
  assert.equal(requests.current, B);
  assert.equal(requests.slow(100), true);
  assert.equal(requests.current, C);
  assert.equal(requests.slow(200), true, "http://a gave 500");
  assert.equal(new URL(requests.current.url).origin, "http://a");
  assert.equal(requests.slow(150), false, "200 is not clearly faster than 150");
});

Deno.test("sources are not changed for ever", () => {
  const requests = requestsOf(A, B);
  let changes = 0;
  for (let rate = 1; requests.slow(rate) && changes < 100; changes++) rate /= 100;
  assert.ok(changes < 10, `${changes} changes`);
  assert.equal(requestsOf(A).slow(0), false);
});

Deno.test("a source that fails gives way to other ones only, and is not come back to", () => {
  const requests = requestsOf(A, ask("http://a", "other"), B);
  assert.equal(requests.failed(), true);
  assert.equal(requests.current, B);
  requests.add(A);
  assert.deepEqual([requests.failed(), requests.current], [false, B]);
  const alone = requestsOf(A, ask("http://a", "other"));
  assert.deepEqual([alone.failed(), alone.current], [false, A]);
});

Deno.test("whoever is refused gives way to the next requester, at whatever source", () => {
  const other = ask("http://a", "other");
  const requests = requestsOf(A, other, B);
  assert.deepEqual([requests.refused(), requests.current], [true, other]);
  assert.deepEqual([requests.refused(), requests.current], [true, B]);
  assert.equal(requests.refused(), false);
});

Deno.test("once several sources gave a wrong content only that of the first requester counts", () => {
  const requests = requestsOf(A, B);
  assert.equal(requests.pin(), false, "there was only one");
  requests.slow(1);
  assert.deepEqual([requests.pin(), requests.current], [true, A]);
  requests.add(C);
  assert.deepEqual([requests.slow(0), requests.failed(), requests.pin()], [false, false, false]);
});

Deno.test("a requester whose URL is none is no way to the source, and harms nobody", () => {
  const requests = requestsOf(A, { url: "no URL", headers: { authorization: "" } });
  assert.deepEqual([requests.refused(), requests.slow(0), requests.failed()], [false, false, false]);
  assert.equal(requests.current, A);
});
