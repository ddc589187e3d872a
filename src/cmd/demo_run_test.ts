import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeSampleImage } from "../oci/sample_image.ts";
import { startSampleRegistry } from "../oci/sample_registry.ts";
import { realClock } from "../runtime/clock.ts";
import { runDemo } from "./demo_run.ts";

const image = await makeSampleImage({ layerBytes: [5_000_000, 400_000] });
const signal = new AbortController().signal;

function openRegistry() {
  return startSampleRegistry({ clock: realClock(), images: [{ repository: "team/app", tag: "v1", image }] });
}

/** A terminal that nobody watches. */
class Paper {
  readonly isTty = false;
  printed = "";
  errors = "";
  readonly print = (text: string) => void (this.printed += text);
  readonly printError = (text: string) => void (this.errors += text);
}

Deno.test("the demo tells of three pulls, and counts the requests that the registry saw", async () => {
  await using registry = openRegistry();
  const paper = new Paper();
  await runDemo({ image: `${registry.namespace}/team/app:v1`, isInsecure: true }, paper, signal);
  const counted = [...paper.printed.matchAll(/(\d+) requests\n/g)].map(([, count]) => Number(count));
  assert.equal(counted.length, 3);
  // One more than that: the demo's own look whether there is a registry.
  assert.equal(counted.reduce((sum, count) => sum + count, 0) + 1, registry.requests.length);
  assert.match(paper.printed, /\(1\.00 copies\)/);
  assert.match(paper.printed, /peer 2 got 100% of it from other peers, and all of it from its own disk/);
  assert.ok(!paper.printed.includes("\x1b"), "lines are not rewritten where nobody watches");
  assert.equal(paper.errors, "");
});

Deno.test("a demo that fails keeps the logs of the cluster, says where they are, and removes all else", async () => {
  await using registry = openRegistry();
  const paper = new Paper();
  const image = `${registry.namespace}/team/app:v2`;
  await assert.rejects(runDemo({ image, isInsecure: true }, paper, signal), /Cannot resolve .*404/);
  const logs = /logs of the cluster are in (.*)\n/.exec(paper.errors)?.[1];
  assert.ok(logs);
  assert.ok((await readdir(logs)).includes("peer-1.log"));
  assert.deepEqual(await readdir(dirname(logs)), ["logs"]);
  await rm(dirname(logs), { recursive: true });
});

Deno.test("a registry that is not there is named, and that plain HTTP has to be asked for", async () => {
  const registry = openRegistry();
  await registry[Symbol.asyncDispose]();
  const image = `${registry.namespace}/team/app:v1`;
  const demo = (isInsecure: boolean) => runDemo({ image, isInsecure }, new Paper(), signal);
  await assert.rejects(demo(true), /Cannot reach the registry of .* at http:/);
  await assert.rejects(demo(false), /--insecure uses plain HTTP/);
});
