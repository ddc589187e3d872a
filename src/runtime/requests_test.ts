import assert from "node:assert/strict";
import { seededRandom } from "../testing/seeded_random.ts";
import { realClock } from "./clock.ts";
import { beginRequest, continueRequest, type Incoming, passedOnHeaders, passedOnTrace } from "./requests.ts";
import { currentRequest, currentSpan, inRequest, NO_TRACER, type Span, traced } from "./tracing.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const parts = { tracer: NO_TRACER, random: seededRandom(1) };

function incoming(headers: Readonly<Record<string, string>> = {}): Incoming {
  return { name: "pull", header: (name) => headers[name] };
}

/** A span that notes how it and its children end. */
function notedSpan(ends: string[], name = "root"): Span {
  let isEnded = false;
  return {
    context: { traceId: TRACE, spanId: "00f067aa0ba902b7", isSampled: true },
    get isEnded() {
      return isEnded;
    },
    set() {},
    event() {},
    child: (name) => notedSpan(ends, name),
    end(error) {
      isEnded = true;
      ends.push(error === undefined ? name : `${name}: ${error}`);
    },
  };
}

Deno.test("a request has an id of its own, or that of the trace which it is a part of", () => {
  const first = beginRequest(parts, incoming());
  assert.match(first.requestId, /^[0-9a-f]{32}$/);
  assert.notEqual(beginRequest(parts, incoming()).requestId, first.requestId);
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-00`;
  assert.equal(beginRequest(parts, incoming({ traceparent })).requestId, TRACE);
  assert.equal(continueRequest(parts, incoming({ traceparent }))?.requestId, TRACE);
});

Deno.test("between components the id goes along where nothing is traced, and nothing that somebody made up", () => {
  const headers = inRequest({ requestId: TRACE }, () => passedOnHeaders());
  assert.equal(continueRequest(parts, incoming(headers))?.requestId, TRACE);
  assert.equal(continueRequest(parts, incoming()), undefined);
  assert.equal(continueRequest(parts, incoming({ "x-request-id": "new\nline" })), undefined);
  assert.deepEqual(passedOnHeaders(), {});
});

Deno.test("others than our components learn of traces alone", () => {
  assert.deepEqual(inRequest({ requestId: TRACE }, () => passedOnTrace()), {});
  const span = notedSpan([]);
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  assert.deepEqual(inRequest({ requestId: TRACE, span }, () => passedOnTrace()), { traceparent });
  assert.deepEqual(inRequest({ requestId: TRACE, span }, () => passedOnHeaders()), { traceparent });
});

Deno.test("a step ends with what is done in it, well or badly", async () => {
  const ends: string[] = [];
  await inRequest({ requestId: TRACE, span: notedSpan(ends) }, async () => {
    await traced("good", {}, async (span) => {
      await Promise.resolve();
      assert.equal(currentSpan(), span);
    });
    await assert.rejects(traced("bad", {}, () => Promise.reject(new Error("no"))));
  });
  assert.deepEqual(ends, ["good", "bad: Error: no"]);
  assert.equal(await traced("no request", {}, (span) => Promise.resolve(span)), undefined);
});

Deno.test("a step that has ended gets no more steps", async () => {
  const ends: string[] = [];
  const span = notedSpan(ends);
  span.end();
  await inRequest({ requestId: TRACE, span }, () => traced("late", {}, () => Promise.resolve()));
  assert.deepEqual(ends, ["root"]);
});

Deno.test("what is done again and again is for nobody's request, whoever asked for it first", async () => {
  const seen = Promise.withResolvers<unknown>();
  using _timer = inRequest(
    { requestId: TRACE },
    () => realClock().every(1, () => seen.resolve(currentRequest())),
  );
  const kept = inRequest(
    { requestId: TRACE },
    () => realClock().sleep(1, new AbortController().signal).then(currentRequest),
  );
  assert.equal((await kept)?.requestId, TRACE);
  const keepAlive = new AbortController();
  const alive = realClock().sleep(30_000, keepAlive.signal).catch(() => {});
  assert.equal(await seen.promise, undefined);
  keepAlive.abort();
  await alive;
});
