/** dfget where no dfdaemon is: from the source itself. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DamselflyError } from "../core/error.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { rangeAnswer } from "../testing/range_answer.ts";
import { S3_KEYS, startS3Storage } from "../testing/s3_storage.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { runDfget } from "./dfget.ts";

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const DIGEST = `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`;
const NEVER = new AbortController().signal;

type Answer = (request: Request) => Response | Promise<Response>;

/** A source, a directory for outputs, and a dfget. */
class Stage implements AsyncDisposable {
  readonly url: string;
  readonly dir: string;
  readonly seen: { readonly method: string; readonly headers: Headers }[] = [];
  readonly env: Record<string, string> = {};
  said = "";
  #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(dir: string, answer: Answer) {
    this.dir = dir;
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      // Copies: those of a request cannot be read once it is answered.
      this.seen.push({ method: request.method, headers: new Headers(request.headers) });
      return answer(request);
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}/file`;
  }

  static async open(answer: Answer = (request) => rangeAnswer(request, CONTENT, { etag: '"1"' })): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), "dfget-alone-")), answer);
  }

  get output(): string {
    return join(this.dir, "out");
  }

  async run(url: string, args: readonly string[] = [], signal = NEVER): Promise<number> {
    const runtime = testRuntime({ disk: realDisk(realRandom()), env: this.env, clock: fastClock() });
    const terminal = { isTty: false, print() {}, printError: (text: string) => void (this.said += text) };
    const all = [url, "-O", this.output, "-e", join(this.dir, "none.sock"), ...args];
    return await runDfget(all, { runtime, terminal }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await rm(this.dir, { recursive: true });
  }
}

/** Pauses between attempts take no time. */
function fastClock() {
  const clock = new VirtualClock();
  return Object.assign(clock, { sleep: () => Promise.resolve() });
}

/** Answers with `content`, of which the first `answers` end after `bytes`. */
function breaking(bytes: number, answers: number, headers: Record<string, string>): Answer {
  let left = answers;
  return (request) => {
    if (request.method === "HEAD" || left-- <= 0) return rangeAnswer(request, CONTENT, headers);
    const whole = rangeAnswer(request, CONTENT, headers);
    const reader = whole.body?.getReader();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value } = await reader?.read() ?? {};
        controller.enqueue(value?.subarray(0, bytes) ?? new Uint8Array(0));
        controller.close();
      },
    });
    return new Response(body, whole);
  };
}

Deno.test("without dfdaemon a file comes from the source, with a warning that P2P is lost", async () => {
  await using stage = await Stage.open();
  assert.equal(await stage.run(stage.url, ["--digest", DIGEST, "-H", "X-One: 1"]), 0, stage.said);
  assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  assert.match(stage.said, /^dfget: warning: Cannot reach dfdaemon at .*none\.sock: .*without peers/);
  const request = stage.seen.at(-1);
  assert.equal(request?.headers.get("x-one"), "1");
  assert.match(request?.headers.get("user-agent") ?? "", /^damselfly\/\S+ \(dfget\)$/);
  assert.deepEqual(await readdir(stage.dir), ["out"]);
});

Deno.test("a transfer that breaks off goes on where it stopped", async () => {
  await using stage = await Stage.open(breaking(100_000, 2, { etag: '"1"' }));
  assert.equal(await stage.run(stage.url, ["--digest", DIGEST]), 0, stage.said);
  const ranges = stage.seen.filter(({ method }) => method === "GET").map(({ headers }) => headers.get("range"));
  assert.equal(ranges[0], null);
  assert.equal(ranges.length, 3);
  for (const range of ranges.slice(1)) assert.match(range ?? "", /^bytes=[1-9]\d*-299999$/);
});

Deno.test("two runs of the same command at once both end well, each with a file of its own", async () => {
  const [half, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let gets = 0;
  await using stage = await Stage.open((request) => {
    const whole = rangeAnswer(request, CONTENT, { etag: '"1"' });
    if (request.method !== "GET" || gets++ > 0) return whole;
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(CONTENT.subarray(0, 100_000));
        half.resolve();
        await go.promise;
        controller.enqueue(CONTENT.subarray(100_000));
        controller.close();
      },
    });
    return new Response(body, whole);
  });
  const first = stage.run(stage.url, ["--overwrite"]);
  await half.promise;
  assert.equal(await stage.run(stage.url, ["--overwrite"]), 0, stage.said);
  assert.equal(stage.seen.at(-1)?.headers.get("range"), null, "what the other one is at is not gone on with");
  assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  go.resolve();
  assert.equal(await first, 0, stage.said);
  assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  assert.deepEqual(await readdir(stage.dir), ["out"]);
});

Deno.test("what came before a failure is gone on with by the same command, if the content is the same", async () => {
  let version = "1";
  let isDown = false;
  const breaksOff = breaking(100_000, 1, { etag: '"1"' });
  await using stage = await Stage.open((request) => {
    if (isDown && request.method === "GET") return new Response("down", { status: 503 });
    isDown ||= request.method === "GET" && version === "1";
    return version === "1" ? breaksOff(request) : rangeAnswer(request, CONTENT, { etag: `"${version}"` });
  });
  assert.equal(await stage.run(stage.url), 5);
  const [left = ""] = await readdir(stage.dir);
  assert.match(left, /^\.out\.[0-9a-f]{16}\.part$/);
  assert.match(stage.said, /what came is kept in .*\.part, and the same command goes on from there/);
  isDown = false;
  version = "1b";
  assert.equal(await stage.run(stage.url, ["--overwrite"]), 0, stage.said);
  assert.equal(stage.seen.at(-1)?.headers.get("range"), null, "another version begins anew");
  assert.deepEqual((await readdir(stage.dir)).toSorted(), [left, "out"]);

  version = "1";
  stage.seen.length = 0;
  assert.equal(await stage.run(stage.url, ["--overwrite"]), 0, stage.said);
  assert.match(stage.seen.at(-1)?.headers.get("range") ?? "", /^bytes=[1-9]\d*-299999$/);
  assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  assert.deepEqual(await readdir(stage.dir), ["out"]);
});

Deno.test("what was left and is wrong is fetched anew, once, and a wrong content is not kept", async () => {
  let canBreak = true;
  let count = 0;
  const breaksOff = breaking(100_000, 1, { etag: '"1"' });
  await using stage = await Stage.open((request) => {
    if (!canBreak) return rangeAnswer(request, CONTENT, { etag: '"1"' });
    return request.method === "GET" && count++ > 0 ? new Response("down", { status: 503 }) : breaksOff(request);
  });
  assert.equal(await stage.run(stage.url, ["--digest", DIGEST]), 5);
  const [left = ""] = await readdir(stage.dir);
  await writeFile(join(stage.dir, left), new Uint8Array(200_000));
  canBreak = false;
  stage.seen.length = 0;
  assert.equal(await stage.run(stage.url, ["--digest", DIGEST]), 0, stage.said);
  const ranges = stage.seen.filter(({ method }) => method === "GET").map(({ headers }) => headers.get("range"));
  assert.deepEqual(ranges, ["bytes=200000-299999", null]);
  assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  const wrong = ["--digest", `sha256:${"0".repeat(64)}`, "--overwrite"];
  assert.equal(await stage.run(stage.url, wrong), 6);
  assert.deepEqual(await readdir(stage.dir), ["out"], "what was there stays");
});

Deno.test("a content that does not say how long it is comes up to its end", async () => {
  const chunked = () => new Response(new Blob([CONTENT]).stream());
  await using stage = await Stage.open(chunked);
  assert.equal(await stage.run(stage.url, ["--digest", DIGEST]), 0, stage.said);
  assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  assert.equal(await stage.run(stage.url, ["--overwrite", "--range", "0-9"]), 5);
  assert.match(stage.said, /does not say how long the content is/);
  await using encoded = await Stage.open(() => new Response("x", { headers: { "content-encoding": "br" } }));
  assert.equal(await encoded.run(encoded.url), 5);
});

Deno.test("a range is what the output has, and one that the content lacks is refused", async () => {
  await using stage = await Stage.open();
  const cases = [["10-19", 10, 20], ["299990-", 299_990, 300_000], ["-5", 299_995, 300_000]] as const;
  for (const [range, start, end] of cases) {
    assert.equal(await stage.run(stage.url, ["--range", range, "--overwrite"]), 0, stage.said);
    assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT.slice(start, end));
  }
  assert.equal(await stage.run(stage.url, ["--range", "300000-", "--overwrite"]), 1);
  assert.match(stage.said, /the content has 300000 bytes/);
});

Deno.test("the source's refusal decides the exit code, and where a redirect may lead stays limited", async () => {
  await using stage = await Stage.open(({ url }) => {
    if (url.endsWith("/gone")) return new Response("no", { status: 410 });
    return Response.redirect("http://169.254.169.254/latest/meta-data");
  });
  assert.equal(await stage.run(stage.url.replace("file", "gone")), 4);
  assert.match(stage.said, /answered 410/);
  assert.equal(await stage.run(stage.url), 1);
  assert.match(stage.said, /metadata service/);
  assert.deepEqual(await readdir(stage.dir), []);
});

Deno.test("an interrupt leaves what came, and --disable-back-to-source asks nobody", async () => {
  const interrupt = new AbortController();
  await using stage = await Stage.open((request) => {
    if (request.method === "HEAD") return rangeAnswer(request, CONTENT, { etag: '"1"' });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(CONTENT.subarray(0, 1_000)),
      pull: () => interrupt.abort(new DamselflyError("cancelled", "Stopped by SIGINT")),
    });
    return new Response(body, { headers: { etag: '"1"', "content-length": `${CONTENT.length}` } });
  });
  assert.equal(await stage.run(stage.url, ["--disable-back-to-source"]), 3);
  assert.equal(stage.seen.length, 0);
  assert.equal(await stage.run(stage.url, [], interrupt.signal), 130);
  assert.ok((await readdir(stage.dir)).every((name) => name.endsWith(".part")));
});

Deno.test("a directory of a storage comes with all its files, or with those that are named", async () => {
  await using storage = startS3Storage({ pageKeys: 2 });
  for (const key of ["llm/a.bin", "llm/sub/b.bin", "llm/sub/c.txt", "llm/é +.txt"]) storage.objects.set(key, CONTENT);
  await using stage = await Stage.open();
  await mkdir(stage.output);
  stage.env["DFGET_STORAGE_ACCESS_KEY_SECRET"] = S3_KEYS.accessKeySecret;
  stage.env["DFGET_HF_TOKEN"] = "of another command";
  const access = ["--storage-endpoint", storage.endpoint, "--storage-region=eu-west-1"];
  const flags = [...access, `--storage-access-key-id=${S3_KEYS.accessKeyId}`];
  assert.equal(await stage.run("s3://models/llm/", flags), 0, stage.said);
  const files = async () => (await readdir(stage.output, { recursive: true })).toSorted();
  assert.deepEqual(await files(), ["a.bin", "sub", "sub/b.bin", "sub/c.txt", "é +.txt"]);
  assert.deepEqual(new Uint8Array(await readFile(join(stage.output, "sub/b.bin"))), CONTENT);
  assert.equal(stage.said.match(/warning/g)?.length, 1, "one warning for all files");

  assert.equal(await stage.run("s3://models/llm", [...flags, "-r"]), 1);
  assert.match(stage.said, /it exists, and --overwrite was not given/);
  assert.equal(await stage.run("s3://models/llm/", [...flags, "--max-files", "3", "--overwrite"]), 1);
  assert.match(stage.said, /Cannot download 4 files: --max-files allows 3/);
  await rm(stage.output, { recursive: true });
  await mkdir(stage.output);
  assert.equal(await stage.run("s3://models/llm/", [...flags, "-I", "*.bin", "-I", "sub/"]), 0, stage.said);
  assert.deepEqual(await files(), ["a.bin", "sub", "sub/b.bin", "sub/c.txt"]);
  assert.equal(await stage.run("s3://models/llm/", [...flags, "-I", "*.none"]), 1);
  assert.equal(await stage.run("s3://models/none/x", flags), 1, "the output is a directory");
});

/** A part of a content that an earlier run has left. */
async function leavePart(stage: Stage, args: readonly string[] = []): Promise<string> {
  const interrupted = await stage.run(stage.url, args);
  assert.equal(interrupted, 5, stage.said);
  const [left = ""] = (await readdir(stage.dir)).filter((name) => name.endsWith(".part"));
  stage.seen.length = 0;
  return left;
}

/** Breaks off once, and is down until told otherwise. */
function downAfterPart(headers: Record<string, string>, later: Answer) {
  const state = { isHealthy: false, count: 0 };
  const breaksOff = breaking(100_000, 1, headers);
  const answer: Answer = (request) => {
    if (state.isHealthy) return later(request);
    if (request.method === "GET" && state.count++ > 0) return new Response("down", { status: 503 });
    return breaksOff(request);
  };
  return { state, answer };
}

const rangesOf = (stage: Stage) =>
  stage.seen.filter(({ method }) => method === "GET").map(({ headers }) => headers.get("range"));

Deno.test("a source without ranges, and one that turns out to have another version, give all of it anew", async () => {
  const whole = { etag: '"1"', "accept-ranges": "none" };
  const cases: readonly [Record<string, string>, Answer][] = [
    [whole, (request) => rangeAnswer(new Request(request.url, { method: request.method }), CONTENT, whole)],
    [{ etag: '"1"' }, (request) => rangeAnswer(request, CONTENT, { etag: request.method === "HEAD" ? '"1"' : '"2"' })],
  ];
  for (const [headers, later] of cases) {
    const { state, answer } = downAfterPart(headers, later);
    await using stage = await Stage.open(answer);
    await leavePart(stage);
    state.isHealthy = true;
    assert.equal(await stage.run(stage.url), 0, stage.said);
    assert.equal(rangesOf(stage).at(-1), null);
    assert.deepEqual(new Uint8Array(await readFile(stage.output)), CONTENT);
  }
});

Deno.test("what was left is only for the same URL and range", async () => {
  const { state, answer } = downAfterPart({ etag: '"1"' }, (request) => rangeAnswer(request, CONTENT, { etag: '"1"' }));
  await using stage = await Stage.open(answer);
  await leavePart(stage);
  state.isHealthy = true;
  assert.equal(await stage.run(`${stage.url}?other`), 0, stage.said);
  assert.equal(await stage.run(stage.url, ["--range", "100-", "--overwrite"]), 0, stage.said);
  assert.deepEqual(rangesOf(stage), [null, "bytes=100-299999"]);
});

Deno.test("what the source refuses is not asked for again", async () => {
  await using stage = await Stage.open((request) => {
    return request.method === "HEAD" ? rangeAnswer(request, CONTENT) : new Response("no", { status: 403 });
  });
  assert.equal(await stage.run(stage.url), 4);
  assert.equal(rangesOf(stage).length, 1);
});
