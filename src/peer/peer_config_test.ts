import assert from "node:assert/strict";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { parseConfig } from "../config/load.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { downloadLimits } from "./peer_config.ts";

const BYTES = 20_000_000;
/** Keys with a limit, and which of the two limits of downloads it is. */
const KEYS = [
  ["download.bandwidthLimit", ["parents"]],
  ["download.backToSourceBandwidthLimit", ["source"]],
  ["upload.bandwidthLimit", []],
  ["proxy.prefetchBandwidthLimit", []],
] as const;

for (const [key, limited] of KEYS) {
  Deno.test(`of what is downloaded ${key} limits ${limited[0] ?? "nothing"}, and no more than that`, () => {
    const { config, warnings } = parseConfig(DfdaemonConfig, "", "dfdaemon", { [key]: "2MB" });
    const limits = downloadLimits(config, new VirtualClock());
    const over = new AbortController();
    const held = (["parents", "source"] as const).filter((name) => {
      const passing = limits[name].pass("a task", BYTES, over.signal);
      if (typeof passing === "number") return false;
      passing.catch(() => {});
      return true;
    });
    over.abort(new Error("over"));
    assert.deepEqual(held, limited);
    const isObeyed = !key.startsWith("proxy.");
    assert.equal(warnings.some((warning) => warning.includes(key)), !isObeyed);
  });
}
