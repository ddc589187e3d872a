import assert from "node:assert/strict";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { parseConfig } from "../config/load.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { downloadLimits, requestRate } from "./peer_config.ts";

const BYTES = 20_000_000;
/** Keys with a limit, and which of the limits of downloads it is. */
const KEYS = [
  ["download.bandwidthLimit", ["parents"]],
  ["download.backToSourceBandwidthLimit", ["source"]],
  ["upload.bandwidthLimit", []],
  ["proxy.prefetchBandwidthLimit", ["prefetch"]],
] as const;

for (const [key, limited] of KEYS) {
  Deno.test(`of what is downloaded ${key} limits ${limited[0] ?? "nothing"}, and no more than that`, () => {
    const { config, warnings } = parseConfig(DfdaemonConfig, "", "dfdaemon", { [key]: "2MB" });
    const limits = downloadLimits(config, new VirtualClock());
    const over = new AbortController();
    const held = (["parents", "source", "prefetch"] as const).filter((name) => {
      const passing = limits[name].pass("a task", BYTES, over.signal);
      if (typeof passing === "number") return false;
      passing.catch(() => {});
      return true;
    });
    over.abort(new Error("over"));
    assert.deepEqual([held, warnings], [limited, []]);
  });
}

for (const server of ["upload", "download"] as const) {
  Deno.test(`of gRPC requests ${server}.server.requestRateLimit lets so many begin in a second, and so many wait`, async () => {
    const settings = { [`${server}.server.requestRateLimit`]: 2, [`${server}.server.requestBufferSize`]: 1 };
    const { config, warnings } = parseConfig(DfdaemonConfig, "", "dfdaemon", settings);
    const clock = new VirtualClock();
    const outcomes: Record<string, string[]> = {};
    for (const name of ["upload", "download"] as const) {
      const rate = requestRate(name, config, clock);
      const of: string[] = outcomes[name] = [];
      for (let n = 0; n < 6; n++) {
        rate.turn("a caller", new AbortController().signal).then(
          () => of.push("begun"),
          ({ message }) => of.push(message),
        );
      }
    }
    await clock.advance(499);
    const refusal =
      `Too many requests in a second: raise ${server}.server.requestRateLimit if this host can serve more`;
    const limited = ["begun", "begun", "begun", refusal, refusal];
    const free = Array(6).fill("begun");
    const other = server === "upload" ? "download" : "upload";
    assert.deepEqual([outcomes[server], outcomes[other], warnings], [limited, free, []]);
    await clock.advance(1);
    assert.deepEqual(outcomes[server], [...limited, "begun"]);
  });
}
