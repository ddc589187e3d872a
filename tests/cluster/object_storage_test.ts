/** Objects of an S3-compatible storage in a swarm, asked for with dfget. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runDfget } from "../../src/cli/dfget.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { S3_KEYS, type S3Storage, startS3Storage } from "../../src/testing/s3_storage.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { formatHostPort } from "../../src/config/addresses.ts";
import { signIn } from "../e2e/lib/manager_api.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { READY_TIMEOUT_MS, Stage } from "./stage.ts";

const MIB = 1024 * 1024;
const KEY = "llm/weights 1+2.bin";
const URL_TEXT = "s3://models/llm/weights%201+2.bin";
const CONTENT = Uint8Array.from({ length: 6 * MIB }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

function openStorage(): S3Storage {
  const storage = startS3Storage({ sessionToken: "token-of-temporary-keys" });
  storage.objects.set(KEY, CONTENT);
  return storage;
}

/** dfget on the host of a node. */
async function dfget(stage: Stage, name: string, storage: S3Storage, url: string, ...flags: string[]) {
  let said = "";
  const terminal = { isTty: false, print() {}, printError: (text: string) => void (said += text) };
  const output = join(stage.dir, `${name}.out`);
  const env = {
    DFGET_STORAGE_ENDPOINT: storage.endpoint,
    DFGET_STORAGE_REGION: "eu-west-1",
    DFGET_STORAGE_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
    DFGET_STORAGE_ACCESS_KEY_SECRET: S3_KEYS.accessKeySecret,
    DFGET_STORAGE_SESSION_TOKEN: "token-of-temporary-keys",
  };
  const runtime = testRuntime({ disk: realDisk(realRandom()), random: realRandom(), env });
  const args = [url, "-O", output, "-e", join(stage.node(name).dir, "dfdaemon.sock"), ...flags];
  return { code: await runDfget(args, { runtime, terminal }, new AbortController().signal), said, output };
}

function contentRequests({ requests }: S3Storage): number {
  return requests.filter((text) => text.startsWith("GET /models/llm/weights")).length;
}

Deno.test("the keys of a storage travel to the seed peer that fetches an object, and stay nowhere", async () => {
  await using storage = openStorage();
  await using stage = await Stage.open();
  for (const name of ["peer-1", "peer-2"]) {
    const { code, said, output } = await dfget(stage, name, storage, URL_TEXT);
    assert.deepEqual([code, said], [0, ""]);
    assert.deepEqual(new Uint8Array(await readFile(output)), CONTENT);
  }
  await stage.node("seed").untilTraffic(({ backToSource }) => backToSource === CONTENT.length);
  const before = contentRequests(storage);
  const part = await dfget(
    stage,
    "peer-2",
    storage,
    URL_TEXT,
    "--range",
    "-10",
    "--overwrite",
    "--transfer-from-dfdaemon",
  );
  assert.deepEqual([part.code, part.said], [0, ""]);
  assert.deepEqual(new Uint8Array(await readFile(part.output)), CONTENT.slice(-10));
  assert.equal(contentRequests(storage), before, "what is here is asked of nobody");
  await noSecretStays(stage);
});

Deno.test("an object is preheated with the keys of the order, which stay nowhere, and no host asks the storage again", async () => {
  await using storage = openStorage();
  await using stage = await Stage.open();
  const session = await signIn(`http://${formatHostPort(stage.manager.it.rest)}`);
  const keys = { access_key_id: S3_KEYS.accessKeyId, access_key_secret: S3_KEYS.accessKeySecret };
  const temporary = { session_token: "token-of-temporary-keys" };
  const object_storage = { endpoint: storage.endpoint, region: "eu-west-1", ...keys, ...temporary };
  const args = { type: "file", url: URL_TEXT, scope: "all_peers", object_storage };
  const { id } = await session.send("POST", "/api/v1/jobs", { type: "preheat", args }) as { id: number };
  const job = await waitFor("the job to end", READY_TIMEOUT_MS, async () => {
    const now = await session.send("GET", `/api/v1/jobs/${id}`) as { state: string; result: unknown };
    return now.state === "PENDING" ? undefined : now;
  });
  assert.equal(job.state, "SUCCESS", JSON.stringify(job.result));
  const nodes = ["seed", "peer-1", "peer-2"].map((name) => stage.node(name));
  assert.equal(nodes.reduce((sum, { traffic }) => sum + traffic.backToSource, 0), CONTENT.length, "one copy");
  const before = contentRequests(storage);
  const { code, output } = await dfget(stage, "peer-2", storage, URL_TEXT);
  assert.equal(code, 0);
  assert.deepEqual(new Uint8Array(await readFile(output)), CONTENT);
  assert.equal(contentRequests(storage), before);
  await noSecretStays(stage);
});

/** Neither on a disk nor in a log. */
async function noSecretStays(stage: Stage): Promise<void> {
  const secrets = [S3_KEYS.accessKeySecret, "token-of-temporary-keys"];
  for (const entry of await readdir(stage.dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    for (const secret of secrets) assert.equal(bytes.includes(secret), false, entry.name);
  }
  for (const name of ["seed", "peer-1", "peer-2"]) {
    const text = JSON.stringify(stage.node(name).runtime?.log.lines);
    assert.match(text, /A task is complete/);
    for (const secret of secrets) assert.equal(text.includes(secret), false, `the log of ${name}`);
  }
}

Deno.test("a directory comes through the peer file by file", async () => {
  await using storage = openStorage();
  for (const name of ["a", "sub/b", "sub/deep/c"]) storage.objects.set(`llm/${name}.txt`, CONTENT.slice(0, 1_000));
  await using stage = await Stage.open({ hasManager: false, nodes: ["peer-1"] });
  await mkdir(join(stage.dir, "peer-1.out"));
  const { code, said, output } = await dfget(stage, "peer-1", storage, "s3://models/llm", "-r", "-I", "**/*.txt");
  assert.deepEqual([code, said], [0, ""]);
  const found = (await readdir(output, { recursive: true })).toSorted();
  assert.deepEqual(found, ["a.txt", "sub", "sub/b.txt", "sub/deep", "sub/deep/c.txt"]);
  assert.equal(stage.node("peer-1").traffic.backToSource, 3_000);
});

Deno.test("what the storage refuses is told in its words", async () => {
  await using storage = openStorage();
  await using stage = await Stage.open({ hasManager: false, nodes: ["peer-1"] });
  const cases: readonly [string, string[], number, RegExp][] = [
    ["s3://models/none", [], 4, /404: NoSuchKey/],
    [URL_TEXT, ["--storage-region", "us-east-1"], 4, /in region eu-west-1/],
    [URL_TEXT, ["--storage-access-key-secret", "wrong"], 4, /SignatureDoesNotMatch/],
    ["s3://models/llm/", ["--storage-access-key-secret", "wrong", "--max-files", "1"], 4, /SignatureDoesNotMatch/],
  ];
  await mkdir(join(stage.dir, "peer-1.out"));
  for (const [url, flags, expected, message] of cases) {
    const more = url.endsWith("/") ? [] : ["-O", join(stage.dir, "peer-1.out", "file")];
    const { code, said } = await dfget(stage, "peer-1", storage, url, ...flags, ...more);
    assert.equal(code, expected, said);
    assert.match(said, message);
    assert.doesNotMatch(said, /warning/, "the source has said no, so that asking it again is of no use");
  }
});

Deno.test("a bucket of the same name at another storage is another content", async () => {
  await using storage = openStorage();
  await using other = openStorage();
  other.objects.set(KEY, CONTENT.slice(0, 1_000));
  await using stage = await Stage.open({ hasManager: false, nodes: ["peer-1"] });
  for (const [at, content] of [[storage, CONTENT], [other, CONTENT.slice(0, 1_000)]] as const) {
    const { code, said, output } = await dfget(stage, "peer-1", at, URL_TEXT, "--overwrite");
    assert.deepEqual([code, said], [0, ""]);
    assert.deepEqual(new Uint8Array(await readFile(output)), content);
  }
});
