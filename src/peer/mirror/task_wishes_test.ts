import assert from "node:assert/strict";
import { taskWishes } from "./task_wishes.ts";

Deno.test("without headers nothing is wished for", () => {
  assert.deepEqual(taskWishes(new Headers()), {
    ...{ useSwarm: false, priority: 6, labels: {}, ignored: [] },
    ...{ filteredQueryParams: undefined, contentForTaskId: undefined, blobIdByDigest: undefined, output: undefined },
    prefetch: undefined,
  });
});

Deno.test("taskWishes() reads what the stock proxy reads", () => {
  const wishes = taskWishes(
    new Headers({
      ...{ "X-Dragonfly-Use-P2P": "True", "X-Dragonfly-Priority": "3", "X-Dragonfly-Tag": "t" },
      ...{ "X-Dragonfly-Application": "a", "X-Dragonfly-Piece-Length": "4mib", "X-Dragonfly-Prefetch": "true" },
      ...{ "X-Dragonfly-Filtered-Query-Params": "a, b,,c", "X-Dragonfly-Content-For-Calculating-Task-ID": "x" },
      ...{ "X-Dragonfly-Output-Path": "/out", "X-Dragonfly-Force-Hard-Link": "true" },
    }),
  );
  assert.deepEqual(wishes, {
    ...{
      useSwarm: true,
      priority: 3,
      ignored: [],
      filteredQueryParams: ["a", "b", "c"],
      contentForTaskId: "x",
      blobIdByDigest: undefined,
      prefetch: true,
    },
    labels: { tag: "t", application: "a", pieceLength: 4 * 1024 * 1024 },
    output: { path: "/out", forceHardLink: true },
  });
});

Deno.test("taskWishes() takes the older spelling of the filter", () => {
  assert.deepEqual(taskWishes(new Headers({ "X-Dragonfly-Filter": "a&b" })).filteredQueryParams, ["a", "b"]);
});

Deno.test("a priority that is none is the lowest, as in the stock proxy", () => {
  for (const text of ["-1", "7", "1.5", "high", "NaN"]) {
    const { priority } = taskWishes(new Headers({ "X-Dragonfly-Priority": text }));
    assert.equal(priority, 6, text);
  }
});

Deno.test("a piece length that is none, or out of bounds, is refused", () => {
  for (const text of ["8", "4095kib", "64mib1", "65mib", "many", "-4mib"]) {
    assert.throws(
      () => taskWishes(new Headers({ "X-Dragonfly-Piece-Length": text })),
      { code: "invalid_argument" },
      text,
    );
  }
  assert.equal(taskWishes(new Headers({ "X-Dragonfly-Piece-Length": "64MiB" })).labels.pieceLength, 64 * 1024 * 1024);
});

Deno.test("whether the rest of a range is to be fetched is said by one word, or not at all", () => {
  const said = ["true", "False", "maybe"].map((text) => taskWishes(new Headers({ "X-Dragonfly-Prefetch": text })));
  assert.deepEqual([...said, taskWishes(new Headers())].map(({ prefetch }) => prefetch), [
    ...[true, false, undefined],
    undefined,
  ]);
});

Deno.test("wishes without an effect are named", () => {
  const { ignored } = taskWishes(new Headers({ "X-Dragonfly-Force-Hard-Link": "true" }));
  assert.deepEqual(ignored.map((text) => text.split(":")[0]), ["x-dragonfly-force-hard-link"]);
});
