import assert from "node:assert/strict";
import { realMetrics } from "./metrics.ts";

Deno.test({
  name: "the memory of the process is told under narrow permissions, and what cannot be known is left out",
  permissions: { read: false },
  fn: async () => {
    const text = await realMetrics({ processMetrics: true }).expose();
    const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
    assert.ok(resident > 10 * 2 ** 20, `${resident} bytes`);
    assert.doesNotMatch(text, /^process_(?:open_fds|virtual_memory_bytes|heap_bytes) /m);
  },
});
