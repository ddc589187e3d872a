import assert from "node:assert/strict";
import { formatBytes } from "./format.ts";

Deno.test("bytes are shown in the unit that leaves few digits", () => {
  const MIB = 1024 ** 2;
  assert.deepEqual([0, 1_536, MIB / 2, 27.3 * MIB, 9_999 * MIB, 66_885.1 * MIB, 10_000 * 1024 * MIB].map(formatBytes), [
    ...["0", "1.5 KiB", "0.5 MiB", "27.3 MiB", "9999.0 MiB", "65.3 GiB", "9.8 TiB"],
  ]);
});
