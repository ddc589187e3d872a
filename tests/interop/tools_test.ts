/** dfget and dfcache of either kind on the socket of either kind of peer, in one swarm. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { waitFor } from "../e2e/lib/wait.ts";
import { S3_BUCKET, S3_KEYS, type S3Storage, startS3Storage } from "../../src/testing/s3_storage.ts";
import { Cluster } from "./lib/cluster.ts";
import type { Kind } from "./lib/components.ts";
import { type FileServer, startFileServer } from "./lib/files.ts";
import { labTest } from "./lib/lab.ts";
import { named } from "./lib/sentences.ts";
import type { FreeStep } from "./lib/steps.ts";
import { dfget, freshOutput, runTool, sha256Of } from "./lib/tools.ts";

const KINDS: readonly Kind[] = ["stock", "ours"];
const ZEROS = "0".repeat(64);
/** Until a stock peer has written what it said to be exported. */
const EXPORT_WHOLE_MS = 30_000;

interface Bench {
  readonly cluster: Cluster;
  readonly files: FileServer;
  readonly step: FreeStep;
}

labTest("tools of either kind work on the socket of the other's peer", async (lab, step) => {
  await using files = startFileServer(lab.addresses.ip(3));
  await using storage = startS3Storage();
  await using cluster = new Cluster(lab, "cluster");
  await cluster.runManager("ours");
  await cluster.runScheduler("ours");
  await cluster.schedulerListed();
  for (const kind of KINDS) await cluster.runPeer(kind, kind);
  for (const tool of KINDS) {
    for (const peer of KINDS) {
      await dfgetWorks({ cluster, files, step }, tool, peer);
      await dfgetRefuses({ cluster, files, step }, tool, peer);
      await objectsWork({ cluster, files, step }, storage, tool, peer);
    }
  }
  for (const tool of KINDS) {
    for (const [from, to] of [["stock", "ours"], ["ours", "stock"]] as const) {
      await dfcacheWorks({ cluster, files, step }, tool, from, to);
    }
  }
});

async function dfgetWorks({ cluster, files, step }: Bench, tool: Kind, kind: Kind): Promise<void> {
  const { lab } = cluster;
  const peer = cluster.peer(kind);
  const other = kind === "stock" ? "ours" : "stock";
  const who = `${named(tool, "dfget")} on ${named(kind, "peer")}`;

  await step(`${who} downloads a file, and again without its origin`, async () => {
    const file = files.fresh();
    for (let time = 0; time < 2; time += 1) {
      const { code, said, sha256 } = await dfget(lab, tool, peer, file.url);
      assert.deepEqual({ code, sha256 }, { code: 0, sha256: file.sha256 }, said);
    }
    assert.equal(file.copies(), 1);
  });

  await step(`${who} gets a file from ${named(other, "peer")}, which has it`, async () => {
    const file = files.fresh();
    await dfget(lab, other, cluster.peer(other), file.url);
    const { said, sha256 } = await dfget(lab, tool, peer, file.url);
    assert.equal(sha256, file.sha256, said);
    assert.equal(file.copies(), 1);
  });

  await step(`${who} takes the bytes through the socket`, async () => {
    const file = files.fresh();
    const { said, sha256 } = await dfget(lab, tool, peer, file.url, ["--transfer-from-dfdaemon"]);
    assert.equal(sha256, file.sha256, said);
  });

  await step(`${who} sends headers to the origin, and tells tasks apart by tag and application`, async () => {
    const file = files.fresh();
    const tagged = ["--tag=ring", "--application=interop", "--piece-length=8mib", "--header=X-Ring: interop"];
    for (const flags of [tagged, []]) {
      const { said, sha256 } = await dfget(lab, tool, peer, file.url, flags);
      assert.equal(sha256, file.sha256, said);
    }
    assert(file.headers("x-ring").includes("interop"), "the origin was not sent the header");
    assert.equal(file.copies(), 2);
  });
}

/** Keys and region as arguments: tools of either kind read the same ones. */
async function objectsWork({ cluster, step }: Bench, storage: S3Storage, tool: Kind, kind: Kind): Promise<void> {
  const { lab } = cluster;
  const peer = cluster.peer(kind);
  const who = `${named(tool, "dfget")} on ${named(kind, "peer")}`;
  const access = [
    ...[`--storage-endpoint=${storage.endpoint}`, "--storage-region=eu-west-1"],
    ...[`--storage-access-key-id=${S3_KEYS.accessKeyId}`, `--storage-access-key-secret=${S3_KEYS.accessKeySecret}`],
  ];

  await step(`${who} downloads an object of a storage`, async () => {
    const bytes = randomBytes(5 * 1024 * 1024);
    const key = `llm/${tool} on ${kind}+1.bin`;
    storage.objects.set(key, new Uint8Array(bytes));
    const { said, sha256 } = await dfget(lab, tool, peer, `s3://${S3_BUCKET}/${encodeURI(key)}`, access);
    assert.equal(sha256, createHash("sha256").update(bytes).digest("hex"), said);
  });

  await step(`${who} downloads a directory of a storage`, async () => {
    for (const name of ["a", "sub/b", "sub/deep/c d"]) storage.objects.set(`dir/${name}`, new Uint8Array(1_000));
    storage.objects.set("dir/", new Uint8Array(0));
    const output = await freshOutput(lab);
    await mkdir(output);
    const args = [`s3://${S3_BUCKET}/dir/`, "-O", output, "-e", peer.socket, "--no-progress", ...access];
    const { code, said } = await runTool(lab, tool, "dfget", args);
    assert.equal(code, 0, said);
    assert.doesNotMatch(said, /warning/, "dfdaemon did it");
    const found = (await readdir(output, { recursive: true })).toSorted();
    assert.deepEqual(found, ["a", "sub", "sub/b", "sub/deep", "sub/deep/c d"]);
  });
}

async function dfgetRefuses({ cluster, files, step }: Bench, tool: Kind, kind: Kind): Promise<void> {
  const { lab } = cluster;
  const peer = cluster.peer(kind);
  const who = `${named(tool, "dfget")} on ${named(kind, "peer")}`;

  await step(`${who} checks the digest that it is given`, async () => {
    const file = files.fresh();
    const right = await dfget(lab, tool, peer, file.url, [`--digest=sha256:${file.sha256}`]);
    assert.equal(right.sha256, file.sha256, right.said);
    const wrong = await dfget(lab, tool, peer, files.fresh().url, [`--digest=sha256:${ZEROS}`]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.said, /digest|mismatch/i);
    assert.notEqual(wrong.sha256, file.sha256, "the output of a refused download is complete");
  });

  await step(`${who} tells that the origin does not have the file`, async () => {
    const { code, said } = await dfget(lab, tool, peer, files.missingUrl);
    assert.notEqual(code, 0);
    assert.match(said, /404/);
  });
}

async function dfcacheWorks({ cluster, files, step }: Bench, tool: Kind, from: Kind, to: Kind): Promise<void> {
  const { lab } = cluster;
  const dfcache = (command: string, on: Kind, args: readonly string[]) =>
    runTool(lab, tool, "dfcache", [command, "-e", cluster.peer(on).socket, ...args]);
  const who = `${named(tool, "dfcache")}`;
  await step(`${who} exports from ${named(to, "peer")} what it imported on ${named(from, "peer")}`, async () => {
    const path = await freshOutput(lab);
    await writeFile(path, files.fresh().bytes);
    // The stock tool does not say the id, which is the hash of this text.
    const text = `${tool} ${from} ${to}`;
    const id = createHash("sha256").update(text).digest("hex");
    const imported = await dfcache("import", from, ["--no-progress", "--content-for-calculating-task-id", text, path]);
    assert.equal(imported.code, 0, imported.said);
    const known = await dfcache("stat", to, [id]);
    assert.equal(known.code, 0, known.said);
    const output = await freshOutput(lab);
    const exported = await dfcache("export", to, ["--no-progress", "-O", output, id]);
    assert.equal(exported.code, 0, exported.said);
    // A stock peer answers before its last writes are in the file, on its own in a swarm of its kind too.
    const isWhole = async () => {
      assert.equal(await sha256Of(output), await sha256Of(path));
      return true;
    };
    if (to === "ours") await isWhole();
    else await waitFor("the whole of the export", EXPORT_WHOLE_MS, isWhole);
  });
}
