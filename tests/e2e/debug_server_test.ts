/** What a running component tells of itself on loopback, read by the tools that people have. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reserveAddresses } from "./lib/addresses.ts";
import { startScheduler } from "./lib/components.ts";
import { e2eTest, requireProgram, run } from "./lib/programs.ts";
import { stopwatch, waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const TIMEOUT_MS = 60_000;
/** Less than servers let requests go on. */
const STOP_MS_MAX = 4_500;

e2eTest(
  "a scheduler gives profiles that pprof reads, and changes the level of its log",
  { programs: ["go"] },
  async () => {
    await using workspace = await Workspace.create();
    await using addresses = await reserveAddresses();
    const place = { name: "scheduler", ip: addresses.ip(1), dir: workspace.dir };
    const pprofPort = await freePort();
    await using scheduler = await startScheduler(place, "http://127.0.0.1:1", 1, undefined, { pprofPort });
    const url = `http://127.0.0.1:${pprofPort}`;
    for (const [kind, types] of [["profile", /samples.*cpu|Type: cpu/s], ["heap", /Type: inuse_space/]] as const) {
      const answer = await fetch(`${url}/debug/pprof/${kind}?seconds=1`);
      assert.equal(answer.status, 200, kind);
      const file = join(workspace.dir, `${kind}.pb.gz`);
      await writeFile(file, await answer.bytes());
      assert.match(await run(requireProgram("go"), ["tool", "pprof", "-top", file]), types);
    }
    assert.doesNotMatch(scheduler.process.log(), /"level":"debug"/);
    assert.equal(await (await fetch(`${url}/log/level`, { method: "PUT", body: "debug" })).text(), "debug\n");
    await waitFor(
      "the change to be logged",
      TIMEOUT_MS,
      () => /level of the log was changed/.test(scheduler.process.log()) || undefined,
    );

    const cut = assert.rejects(fetch(`${url}/debug/pprof/profile?seconds=60`).then((answer) => answer.bytes()));
    await waitFor("the profile to be made", TIMEOUT_MS, async () => {
      const answer = await fetch(`${url}/debug/pprof/heap?seconds=1`);
      await answer.body?.cancel();
      return answer.status === 409 || undefined;
    });
    const took = stopwatch();
    await scheduler.process.stop();
    await cut;
    assert.ok(took() < STOP_MS_MAX, `the end waited ${took()} ms for a profile`);
  },
);

/** A port of loopback that nobody uses now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
