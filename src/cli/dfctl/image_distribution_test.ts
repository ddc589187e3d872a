import assert from "node:assert/strict";
import { runDfctlWith } from "./harness_test.ts";

const LAYERS = ["a", "b", "c"].map((url) => ({ url }));

/** Runs `dfctl image-distribution` with a manager that gives `answer`. */
function run(answer: unknown, ...args: string[]) {
  return runDfctlWith(() => answer, ["image-distribution", ...args]);
}

Deno.test("each peer is shown with how much of the image it holds", async () => {
  const peer = (hostname: string, count: number) => {
    return { hostname, ip: "10.0.0.1", cached_layers: LAYERS.slice(0, count), scheduler_cluster_id: 1 };
  };
  const answer = { image: { layers: LAYERS }, peers: [peer("one", 3), peer("two", 0)] };
  const { code, output, asked } = await run(answer, "reg/team/app:v1", "--cluster", "4", "--timeout", "30s");
  assert.equal(code, 0);
  assert.equal(
    output,
    "HOSTNAME   IP         CLUSTER   LAYERS\none        10.0.0.1   1         3 of 3\n" +
      "two        10.0.0.1   1         0 of 3\n",
  );
  const url = "https://registry-1.docker.io/v2/reg/team/app/manifests/v1";
  assert.deepEqual(asked.map(({ body }) => body), [
    { type: "get_image_distribution", args: { url, timeout: 30_000_000_000 }, scheduler_cluster_ids: [4] },
  ]);
});

Deno.test("an image that nobody holds, and what is no image, are told; a password is asked for", async () => {
  const none = { image: { layers: LAYERS }, peers: null };
  const { errors, asked } = await run(none, "alpine", "--username", "ada");
  assert.match(errors, /No peer holds any of it\.\n$/);
  assert.equal(asked[0]?.body.args.password, "hush");
  const file = await run(none, "https://files.corp/a.bin");
  assert.deepEqual([file.code, file.asked], [2, []]);
});
