/** Headers and features of the stock proxy, asked of a stock peer and of ours: the answers are the same. */
import assert from "node:assert/strict";
import { ask, ASK_PROGRAM } from "./lib/ask.ts";
import { Cluster } from "./lib/cluster.ts";
import type { AnyPeer, Kind } from "./lib/components.ts";
import { startFileServer } from "./lib/files.ts";
import type { PushedImage } from "./lib/images.ts";
import { type Lab, labTest } from "./lib/lab.ts";
import { together } from "./lib/together.ts";
import { freshOutput, sha256Of } from "./lib/tools.ts";

const KINDS: readonly Kind[] = ["stock", "ours"];
const ZEROS = "0".repeat(64);

/** What is asked: flags and URL of curl for a peer, for a blob of the registry. */
type Question = (peer: AnyPeer, blob: { readonly path: string; readonly registryUrl: string }) => readonly string[];

const MIRROR_QUESTIONS: Readonly<Record<string, Question>> = {
  "a GET that names its registry": ({ mirrorUrl }, { path, registryUrl }) => [
    ...["--header", `X-Dragonfly-Registry: ${registryUrl}`],
    mirrorUrl + path,
  ],
  "a GET for the default registry": ({ mirrorUrl }, { path }) => [mirrorUrl + path],
  "a range": ({ mirrorUrl }, { path }) => ["--header", "Range: bytes=5000000-5999999", mirrorUrl + path],
  "the last bytes": ({ mirrorUrl }, { path }) => ["--header", "Range: bytes=-1000", mirrorUrl + path],
  "a range behind the end": ({ mirrorUrl }, { path }) => ["--header", "Range: bytes=999999999-", mirrorUrl + path],
  "two ranges": ({ mirrorUrl }, { path }) => ["--header", "Range: bytes=0-9,20-29", mirrorUrl + path],
  "a HEAD": ({ mirrorUrl }, { path }) => ["--head", mirrorUrl + path],
  "a blob that does not exist": ({ mirrorUrl }, { path }) => [mirrorUrl + path.replace(/[0-9a-f]{64}$/, ZEROS)],
  "a length of pieces": ({ mirrorUrl }, { path }) => ["--header", "X-Dragonfly-Piece-Length: 8mib", mirrorUrl + path],
  "an application": ({ mirrorUrl }, { path }) => ["--header", "X-Dragonfly-Application: ring", mirrorUrl + path],
  "a priority": ({ mirrorUrl }, { path }) => ["--header", "X-Dragonfly-Priority: 3", mirrorUrl + path],
  "no prefetch": ({ mirrorUrl }, { path }) => ["--header", "X-Dragonfly-Prefetch: false", mirrorUrl + path],
  "a blob by its URL": ({ mirrorUrl }, { path }) => [
    ...["--header", "X-Dragonfly-Enable-Task-ID-Based-Blob-Digest: false"],
    mirrorUrl + path,
  ],
  "a text for the task's id": ({ mirrorUrl }, { path }) => [
    ...["--header", "X-Dragonfly-Content-For-Calculating-Task-ID: ring"],
    mirrorUrl + path,
  ],
  "query parameters that do not count": ({ mirrorUrl }, { path }) => [
    ...["--header", "X-Dragonfly-Filtered-Query-Params: token, sign"],
    `${mirrorUrl}${path}?token=1`,
  ],
  "a tag": ({ mirrorUrl }, { path }) => ["--header", "X-Dragonfly-Tag: ring", mirrorUrl + path],
  "a blob by the forward proxy": ({ mirrorUrl }, { path, registryUrl }) => ["--proxy", mirrorUrl, registryUrl + path],
};
const MANIFEST_QUESTION: Question = ({ mirrorUrl }, { path }) => [
  ...["--header", "Accept: application/vnd.oci.image.index.v1+json"],
  mirrorUrl + path.replace(/blobs\/.*$/, "manifests/v1"),
];
const TUNNEL_QUESTION: Question = ({ mirrorUrl }, { registryUrl }) => [
  ...["--proxytunnel", "--proxy", mirrorUrl],
  `${registryUrl}/v2/`,
];

labTest("a proxy of ours answers as the stock one does", async (lab, step) => {
  await using files = startFileServer(lab.addresses.ip(3));
  await using cluster = new Cluster(lab, "cluster");
  await cluster.runManager("ours");
  await cluster.runScheduler("ours");
  await cluster.schedulerListed();
  for (const kind of KINDS) await cluster.runPeer(kind, kind);
  const image = await lab.images.fresh();

  for (const [what, question] of Object.entries(MIRROR_QUESTIONS)) {
    await step(`asked for ${what}`, async () => {
      const [stock, ours] = await together(
        KINDS.map((kind) => ask(question(cluster.peer(kind), blobOf(lab, image)))),
      );
      assert.notEqual(ours?.status, 0);
      assert.deepEqual(ours, stock);
    });
  }
  await step("asked for a manifest, which is a task of ours and none of the stock proxy", async () => {
    const [stock, ours] = await inTurn((peer) => ask(MANIFEST_QUESTION(peer, blobOf(lab, image))));
    assert.deepEqual([stock?.hasTaskId, ours?.hasTaskId], [false, true]);
    assert.deepEqual({ ...ours, hasTaskId: false }, stock);
  });
  await step("asked for a tunnel to a port without TLS, which neither gives", async () => {
    const answers = await inTurn((peer) => ask(TUNNEL_QUESTION(peer, blobOf(lab, image))));
    assert.deepEqual(answers.map(({ status }) => status), [0, 0]);
  });

  for (
    const [what, flags] of [["that no rule matches", []], ["with X-Dragonfly-Use-P2P", [
      "--header",
      "X-Dragonfly-Use-P2P: true",
    ]]] as const
  ) {
    await step(`asked for a file ${what} by the forward proxy`, async () => {
      const { url } = files.fresh();
      const [stock, ours] = await inTurn((peer) => ask([...flags, "--proxy", peer.mirrorUrl, url]));
      assert.deepEqual(ours, stock);
    });
  }

  await step("a file that the proxies share costs the origin one copy", async () => {
    const file = files.fresh();
    await inTurn(({ mirrorUrl }) => ask(["--header", "X-Dragonfly-Use-P2P: true", "--proxy", mirrorUrl, file.url]));
    assert.equal(file.copies(), 1);
  });

  await step("X-Dragonfly-Output-Path writes the content there", async () => {
    const { path } = blobOf(lab, image);
    const written = await inTurn(async ({ mirrorUrl }) => {
      const output = await freshOutput(lab);
      await ask(["--header", `X-Dragonfly-Output-Path: ${output}`, mirrorUrl + path]);
      return `sha256:${await sha256Of(output)}`;
    });
    assert.deepEqual(written, KINDS.map(() => image.layers[0]?.digest));
  });

  async function inTurn<T>(act: (peer: AnyPeer) => Promise<T>): Promise<T[]> {
    const answers: T[] = [];
    for (const kind of KINDS) answers.push(await act(cluster.peer(kind)));
    return answers;
  }
}, [ASK_PROGRAM]);

function blobOf(lab: Lab, { repository, layers }: PushedImage) {
  return { path: `/v2/${repository}/blobs/${layers[0]?.digest}`, registryUrl: lab.tap.url };
}
