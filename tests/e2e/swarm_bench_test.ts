/** The bench of the swarm runs, its numbers make sense, and nothing of it stays. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./lib/components.ts";
import { e2eTest, run } from "./lib/programs.ts";
import { REGISTRY_PROGRAM } from "./lib/registry.ts";
import { Workspace } from "./lib/workspace.ts";
import type { Figures } from "../bench/swarm/figures.ts";

const BENCH = ["run", "-q", "-A", join(REPOSITORY, "tests/bench/swarm/main.ts")];
const needs = {
  programs: ["unshare", "nsenter", "ip", "tc", "iptables", "iptables-save", REGISTRY_PROGRAM],
  root: true,
};

/** Programs whose command lines mention a folder. */
function programsOf(dir: string): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return line.includes(dir) ? [line] : [];
    } catch {
      return []; // it has ended
    }
  });
}

e2eTest("four nodes get an image over shaped links, and the numbers say how", needs, async () => {
  await using workspace = await Workspace.create();
  const args = [...BENCH, "--image", "8,8,4", "--nodes", "4", "--rate", "200", "--json"];
  const printed = await run(Deno.execPath(), args, { env: { TMPDIR: workspace.dir } });
  const { direct, ...ours } = JSON.parse(printed) as Figures & { readonly direct: Figures };
  assert.equal(ours.bound_s, 0.8);
  assert.equal(direct.bound_s, 1.6);
  for (const figures of [ours, direct]) {
    assert.equal(figures.failed, 0);
    assert(figures.first_byte_ms > 0 && figures.first_byte_ms <= figures.last_s * 1_000, printed);
    assert(figures.p50_s <= figures.last_s, printed);
    // A little above 1 is what links let pass at once, on a content as small as this one.
    assert(figures.efficiency > 0 && figures.efficiency < 1.1, printed);
  }
  assert(ours.seed_copies > 0.5 && ours.seed_copies < 4.2, printed);
  assert(ours.origin_copies >= 1 && ours.origin_requests >= 3, printed);
  assert.deepEqual([direct.origin_copies, direct.origin_requests, direct.seed_copies], [4, 12, 0]);
  assert(ours.cpu_s > 0 && ours.peak_rss_mib > 20, printed);
});

e2eTest("a bench that is interrupted takes its programs, links and files with it", needs, async () => {
  await using workspace = await Workspace.create();
  const linksBefore = await run("ip", ["-o", "link", "show"]);
  const args = [...BENCH, "--image", "8", "--nodes", "2", "--no-direct"];
  const bench = new Deno.Command(Deno.execPath(), { args, stderr: "piped", env: { TMPDIR: workspace.dir } }).spawn();
  let said = "";
  for await (const text of bench.stderr.pipeThrough(new TextDecoderStream())) {
    const isWarmingUp = said.includes("warming up");
    said += text;
    if (isWarmingUp || !said.includes("warming up")) continue;
    assert(programsOf(workspace.dir).length >= 4, "its programs run");
    bench.kill("SIGINT");
  }
  assert.equal((await bench.status).code, 130, said);
  assert.deepEqual(programsOf(workspace.dir), []);
  assert.deepEqual(readdirSync(workspace.dir), []);
  assert.equal(await run("ip", ["-o", "link", "show"]), linksBefore);
});
