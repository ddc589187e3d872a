import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Source, SourceAnswer, SourceBody, SourceRequest } from "./source.ts";
import { withSharedBackoff } from "./source_backoff.ts";
import { sourceAnswerOf } from "./source_failure.ts";

const NEVER = new AbortController().signal;
const STAT = { contentLength: 5, acceptsRanges: true, responseHeaders: {} };

/** A source that answers every request with `status`, and counts them. */
function setup(status: number | undefined, headers: Record<string, string> = {}) {
  const clock = new VirtualClock();
  const it = { clock, status, headers, stats: 0, reads: 0 };
  const refuse = () => {
    if (it.status === 200) return;
    const body = new TextEncoder().encode("for one requester only");
    const details: SourceAnswer = { status: it.status, headers: { ...it.headers, "x-other": "1" }, body };
    throw new DamselflyError("source_error", "Cannot fetch: the source answered", { details });
  };
  const inner: Source = {
    stat: () => Promise.resolve().then(() => (it.stats++, refuse(), STAT)),
    begin: () => Promise.reject(new Error("Nobody begins here")),
    read: () => Promise.resolve().then(() => (it.reads++, refuse(), {} as SourceBody)),
  };
  const source = withSharedBackoff(inner, clock);
  const ask = (request: SourceRequest) => outcome(source.stat(request, NEVER));
  const read = (request: SourceRequest) =>
    outcome(source.read(request, { start: 0, end: 5 }, { contentLength: 5 }, NEVER));
  return Object.assign(it, { source, ask, read });
}

/** The answer that a request fails with; undefined when it does not fail. */
async function outcome(asked: Promise<unknown>): Promise<SourceAnswer | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    return sourceAnswerOf(error);
  }
}

function request(path: string, headers: Record<string, string> = {}): SourceRequest {
  return { url: `https://reg.example/${path}?token=secret`, headers };
}

/** Asks once the pause is over. */
async function askAfter(it: ReturnType<typeof setup>, ms: number): Promise<SourceAnswer | undefined> {
  await it.clock.advance(ms);
  return await it.ask(request("a"));
}

Deno.test("three requests reach a source that answers 500, and then one per pause, whoever asks", async () => {
  const it = setup(500);
  assert.equal((await it.ask(request("a")))?.status, 500);
  assert.equal((await askAfter(it, 200))?.status, 500);
  assert.equal((await askAfter(it, 400))?.status, 500);
  for (let n = 0; n < 20; n++) {
    const told = await it.ask(request("a", { authorization: `Bearer ${n}` }));
    assert.deepEqual([told?.status, told?.headers, told?.body.length], [500, {}, 0]);
  }
  assert.equal(it.stats, 3);
  await askAfter(it, 5_000);
  assert.equal((await it.ask(request("a")))?.status, 500);
  assert.equal(it.stats, 4);
});

Deno.test("who comes in a short pause waits for its end, and may leave before", async () => {
  const it = setup(503);
  await it.ask(request("a"));
  it.status = 200;
  const leave = new AbortController();
  const left = assert.rejects(it.source.stat(request("a"), leave.signal), /left/);
  const waited = it.ask(request("a"));
  leave.abort(new Error("left"));
  await left;
  await it.clock.advance(199);
  assert.equal(it.stats, 1);
  await it.clock.advance(1);
  assert.equal(await waited, undefined);
  assert.equal(it.stats, 2);
});

Deno.test("a source that answers again is asked as before", async () => {
  const it = setup(500);
  await it.ask(request("a"));
  it.status = 200;
  assert.equal(await askAfter(it, 200), undefined);
  it.status = 500;
  await it.ask(request("a"));
  it.status = 200;
  assert.equal(await askAfter(it, 200), undefined, "the pauses before it were not forgotten");
});

Deno.test("refusals of more than a minute ago count no more", async () => {
  const it = setup(500);
  for (const ms of [0, 200, 400, 65_000]) await askAfter(it, ms);
  assert.equal(it.stats, 4);
  await askAfter(it, 200);
  assert.equal(it.stats, 5, "the pause was not the first one again");
});

Deno.test("429 is told again for as long as the source says, with what is left of it, to those it was for", async () => {
  const it = setup(429, { "retry-after": "7" });
  const mine = request("a", { authorization: "Bearer mine" });
  const first = await it.ask(mine);
  assert.deepEqual([first?.status, first?.headers["retry-after"]], [429, "7"]);
  await it.clock.advance(2_500);
  const again = await it.ask(mine);
  assert.deepEqual([again?.status, again?.headers], [429, { "retry-after": "5" }]);
  assert.equal(it.stats, 1);
  it.status = 200;
  assert.equal(await it.ask(request("a", { authorization: "Bearer other" })), undefined);
  assert.equal(it.stats, 2);
});

Deno.test("the keys of a storage tell requesters apart, and its endpoint contents", async () => {
  const it = setup(429, { "retry-after": "7" });
  const by = (accessKeyId: string, endpoint: string) => ({ ...request("a"), objectStorage: { accessKeyId, endpoint } });
  await it.ask(by("mine", "http://one"));
  it.status = 200;
  assert.equal((await it.ask(by("mine", "http://one")))?.status, 429);
  for (const other of [by("other", "http://one"), by("mine", "http://two")]) {
    assert.equal(await it.ask(other), undefined);
  }
});

Deno.test("a Retry-After is a date or seconds, counts for a minute at most, and nonsense is none", async () => {
  const asked = async (text: string, afterMs: number) => {
    const it = setup(503, { "retry-after": text });
    await it.ask(request("a"));
    await askAfter(it, afterMs);
    return it.stats;
  };
  const date = new Date(new VirtualClock().wallMs() + 10_000).toUTCString();
  assert.equal(await asked(date, 8_000), 1);
  assert.equal(await asked(date, 10_000), 2);
  assert.equal(await asked("3600", 58_000), 1);
  assert.equal(await asked("3600", 60_000), 2);
  for (const text of ["soon", "-5", "0"]) assert.equal(await asked(text, 200), 2, text);
});

Deno.test("contents have pauses of their own, and so have questions and transfers", async () => {
  const it = setup(503, { "retry-after": "9" });
  await it.read(request("a"));
  await it.read(request("b"));
  assert.equal(it.reads, 2);
  it.status = 200;
  assert.equal(await it.ask(request("a")), undefined);
  assert.equal((await it.read(request("a")))?.status, 503, "a question made the transfer's pause forgotten");
});

Deno.test("what says something of the requester or the content, or is no answer, makes no pause", async () => {
  for (const status of [401, 403, 404, undefined]) {
    const it = setup(status, { "retry-after": "9" });
    for (let n = 0; n < 5; n++) assert.equal((await it.ask(request("a")))?.status, status);
    assert.equal(it.stats, 5);
  }
});

Deno.test("of ten thousand contents that fail the last thousand are remembered", async () => {
  const it = setup(503, { "retry-after": "60" });
  for (let n = 0; n < 10_000; n++) await it.ask(request(`${n}`));
  await settle();
  await it.ask(request("9999"));
  await it.ask(request("8976"));
  assert.equal(it.stats, 10_000);
  await it.ask(request("8975"));
  assert.equal(it.stats, 10_001);
});
