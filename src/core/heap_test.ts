import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Heap } from "./heap.ts";

Deno.test("what is taken out of a heap is the smallest that is in, whatever comes and goes", () => {
  const steps = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }), { maxLength: 200 });
  fc.assert(fc.property(steps, (steps) => {
    const heap = new Heap<{ readonly at: number }>();
    let model: number[] = [];
    for (const at of steps) {
      if (at === undefined) {
        assert.equal(heap.take()?.at, model[0]);
        model = model.slice(1);
      } else {
        heap.add({ at });
        model = [...model, at].sort((a, b) => a - b);
      }
      assert.equal(heap.first?.at, model[0]);
      assert.equal(heap.size, model.length);
    }
  }));
});
