import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DamselflyError } from "../core/error.ts";
import type { Download } from "../rpc/gen/common/v2/common.ts";
import { Piece } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService, type DownloadTaskResponse } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { service, startRpcServer } from "../rpc/server.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realNet } from "../runtime/real_net.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { runDfget } from "./dfget.ts";

const URL_TEXT = "http://origin.example/file.bin";
const never = new AbortController().signal;

type Answer = (download: Download, signal: AbortSignal) => AsyncIterable<DownloadTaskResponse>;

/** A daemon on a unix socket that answers every download with `answer`, and a dfget that uses it. */
class Stage implements AsyncDisposable {
  readonly dir: string;
  readonly output: string;
  readonly asked: Download[] = [];
  readonly env: Record<string, string> = {};
  printed = "";
  errors = "";
  readonly #stack = new AsyncDisposableStack();

  private constructor(dir: string) {
    this.dir = dir;
    this.output = join(dir, "out.bin");
    this.#stack.defer(() => rm(dir, { recursive: true }));
  }

  static async open(answer?: Answer): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), "dfget-test-")));
    if (answer === undefined) return stage;
    const { clock, log } = testRuntime();
    const asked = stage.asked;
    const handlers = {
      async *downloadTask({ download }: { download?: Download | undefined }, context: { signal: AbortSignal }) {
        assert.ok(download);
        asked.push(download);
        yield* answer(download, context.signal);
      },
    };
    const services = [service(DfdaemonDownloadService, handlers)];
    stage.#stack.use(await startRpcServer({ listen: { unixPath: stage.#socket }, services, log, clock }));
    return stage;
  }

  get #socket(): string {
    return join(this.dir, "dfdaemon.sock");
  }

  /** Without dfdaemon there is nobody: the origin of {@link URL_TEXT} does not exist. */
  run(args: readonly string[] = [], signal: AbortSignal = never, isTty = false): Promise<number> {
    const terminal = {
      isTty,
      print: (text: string) => void (this.printed += text),
      printError: (text: string) => void (this.errors += text),
    };
    const all = [URL_TEXT, "-O", this.output, "-e", this.#socket, ...args];
    const fetch = () => Promise.reject(new TypeError("error sending request"));
    const net = { ...realNet(), resolve: () => Promise.resolve(["192.0.2.1"]) };
    const runtime = testRuntime({ disk: realDisk(realRandom()), fetch, net, env: this.env });
    return runDfget(all, { runtime, terminal }, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function started(contentLength: number): DownloadTaskResponse {
  const value = { contentLength, responseHeader: {}, pieces: [], isFinished: false };
  return { hostId: "h", taskId: "t", peerId: "p", response: { $case: "downloadTaskStartedResponse", value } };
}

function finished(number: number, text: string): DownloadTaskResponse {
  const content = new TextEncoder().encode(text);
  const piece = Piece.fromPartial({ number, offset: number * 5, length: content.length, content });
  const response = { $case: "downloadPieceFinishedResponse" as const, value: { piece } };
  return { hostId: "h", taskId: "t", peerId: "p", response };
}

/** Eleven bytes in three pieces, out of order. */
async function* hello(): AsyncGenerator<DownloadTaskResponse> {
  yield started(11);
  yield finished(2, "d");
  yield finished(0, "hello");
  yield await Promise.resolve(finished(1, " worl"));
}

/** Puts the file in place itself, as dfdaemon does without --transfer-from-dfdaemon. */
async function* delivered({ outputPath = "" }: Download): AsyncGenerator<DownloadTaskResponse> {
  yield* hello();
  await writeFile(outputPath, "hello world");
}

function failing(error: DamselflyError): Answer {
  return async function* () {
    yield started(11);
    yield finished(0, "hello");
    throw error;
  };
}

Deno.test("pieces that come through the socket make the file, whatever their order", async () => {
  await using stage = await Stage.open(hello);
  assert.equal(await stage.run(["--transfer-from-dfdaemon"]), 0, stage.errors);
  assert.equal(await readFile(stage.output, "utf8"), "hello world");
  assert.equal(stage.asked[0]?.needPieceContent, true);
  assert.equal(stage.asked[0]?.outputPath, undefined);
  assert.match(stage.printed, /out\.bin: .* in /);
});

Deno.test("dfdaemon is asked to put the file in place, with all that the flags say", async () => {
  await using stage = await Stage.open(delivered);
  const digest = `sha256:${createHash("sha256").update("hello world").digest("hex")}`;
  const flags = ["--digest", digest, "--tag", "t", "--application", "a", "-p", "3", "--piece-length", "8MiB"];
  const more = ["-H", "X-One: 1", "-H", "Authorization: Bearer x", "--filtered-query-param", "sig", "--timeout", "90s"];
  assert.equal(await stage.run([...flags, ...more, "--disable-back-to-source"]), 0, stage.errors);
  const [download] = stage.asked;
  assert.equal(download?.url, URL_TEXT);
  assert.equal(download?.outputPath, stage.output);
  assert.equal(download?.digest, digest);
  assert.equal(download?.pieceLength, 8 * 1024 * 1024);
  assert.equal(download?.priority, 3);
  assert.deepEqual([download?.tag, download?.application], ["t", "a"]);
  assert.deepEqual(download?.requestHeader, { "x-one": "1", authorization: "Bearer x" });
  assert.deepEqual(download?.filteredQueryParams, ["sig"]);
  assert.equal(download?.timeout?.seconds, 90);
  assert.equal(download?.disableBackToSource, true);
});

Deno.test("a failed transfer has the exit code of its cause and leaves no file behind", async () => {
  const origin = (statusCode?: number) =>
    new DamselflyError("source_error", "Cannot get it", {
      details: { message: "", header: {}, ...(statusCode === undefined ? {} : { statusCode }) },
    });
  const cases: readonly [DamselflyError, number][] = [
    [origin(404), 4],
    [origin(503), 5],
    [origin(), 5],
    [new DamselflyError("data_loss", "Cannot seal the task: wrong digest"), 6],
    [new DamselflyError("failed_precondition", "Cannot download: no parent has it"), 1],
  ];
  for (const [error, code] of cases) {
    await using stage = await Stage.open(failing(error));
    assert.equal(await stage.run(["--transfer-from-dfdaemon"]), code, stage.errors);
    assert.match(stage.errors, /^dfget: /);
    assert.deepEqual(await readdir(stage.dir), ["dfdaemon.sock"]);
  }
});

Deno.test("a content that is not what --digest says is removed, whoever wrote it", async () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  for (const [answer, flags] of [[hello, ["--transfer-from-dfdaemon"]], [delivered, []]] as const) {
    await using stage = await Stage.open(answer);
    assert.equal(await stage.run([...flags, "--digest", digest]), 6);
    assert.match(stage.errors, /The content has digest sha256:b94d27b9934d3e08.*, not sha256:abab/);
    assert.deepEqual(await readdir(stage.dir), ["dfdaemon.sock"]);
  }
});

Deno.test("a daemon that is not there, a time limit and an interrupt have codes of their own", async () => {
  await using alone = await Stage.open();
  assert.equal(await alone.run(["--disable-back-to-source"]), 3);
  assert.match(alone.errors, /^dfget: Cannot reach dfdaemon at .*dfdaemon\.sock/);

  const interrupt = new AbortController();
  await using slow = await Stage.open(async function* (download, signal) {
    yield started(11);
    if (download.tag === "interrupt") interrupt.abort(new DamselflyError("cancelled", "Stopped by SIGINT"));
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  assert.equal(await slow.run(["--transfer-from-dfdaemon", "--timeout", "100ms"]), 7);
  assert.match(slow.errors, /--timeout sets another limit/);
  assert.equal(await slow.run(["--transfer-from-dfdaemon", "--tag", "interrupt"], interrupt.signal), 130);
  assert.deepEqual(await readdir(slow.dir), ["dfdaemon.sock"]);
});

Deno.test("an output that exists is kept unless --overwrite is given", async () => {
  await using stage = await Stage.open(hello);
  await writeFile(stage.output, "precious");
  assert.equal(await stage.run(["--transfer-from-dfdaemon"]), 1);
  assert.match(stage.errors, /it exists, and --overwrite was not given/);
  assert.equal(await readFile(stage.output, "utf8"), "precious");
  assert.equal(await stage.run(["--transfer-from-dfdaemon", "--overwrite"]), 0);
  assert.equal(await readFile(stage.output, "utf8"), "hello world");
});

Deno.test("the empty file that dfdaemon made is removed after a failure, and one from before stays", async () => {
  const failsLater: Answer = async function* ({ outputPath = "" }) {
    yield started(11);
    await writeFile(outputPath, "", { flag: "a" });
    throw new DamselflyError("data_loss", "wrong digest");
  };
  await using stage = await Stage.open(failsLater);
  assert.equal(await stage.run(), 6);
  assert.deepEqual(await readdir(stage.dir), ["dfdaemon.sock"]);
  await writeFile(stage.output, "precious");
  assert.equal(await stage.run(["--overwrite"]), 6);
  assert.equal(await readFile(stage.output, "utf8"), "precious");
  await using other = await Stage.open(delivered);
  await writeFile(other.output, "of no use any more");
  assert.equal(await other.run(["--overwrite", "--digest", `sha256:${"0".repeat(64)}`]), 6);
  assert.deepEqual(
    await readdir(other.dir),
    ["dfdaemon.sock"],
    "the file from before is replaced by the wrong content",
  );
});

Deno.test("wrong use exits with 2, says what is wrong and asks nobody", async () => {
  const cases: readonly [string[], RegExp][] = [
    [["--recursive"], /'--recursive' is only for s3:\/\/ URLs/],
    [["--include-files", "a"], /only for directories/],
    [["--storage-region", "x"], /'--storage-region' is only for s3:\/\/ URLs/],
    [["--hf-token", "x"], /'--hf-token' is not supported: hubs are not/],
    [["--force-hard-link", "--overwrite"], /exclude each other/],
    [["--range", "0-9", "--digest", `sha256:${"0".repeat(64)}`], /exclude each other/],
    [["--range", "9-0"], /expected first-last/],
    [["--range", "-0"], /expected first-last/],
    [["--max-files", "0"], /expected 1 to 10000/],
    [["-H", "Range: bytes=0-9"], /use --range/],
    [["--nope"], /unknown option '--nope'/],
    [["--digest", "md5:00"], /Cannot parse digest/],
    [["-p", "7"], /expected 0 to 6/],
    [["--piece-length", "4194303"], /expected 4MiB to 64MiB/],
    [["--piece-length", "65MiB"], /expected 4MiB to 64MiB/],
    [["--timeout", "5"], /'--timeout <duration>'/],
    [["-H", "no colon"], /expected 'name: value'/],
    [["surplus"], /too many arguments/],
  ];
  await using stage = await Stage.open(hello);
  for (const [args, message] of cases) {
    stage.errors = "";
    assert.equal(await stage.run(args), 2, args.join(" "));
    assert.match(stage.errors, message);
  }
  assert.deepEqual(stage.asked, []);
});

Deno.test("an output is required, and a wrong option is named before that", async () => {
  const cases: readonly [string[], RegExp][] = [[[], /'-O, --output <path>' is required/], [["--nope"], /'--nope'/]];
  for (const [args, message] of cases) {
    const terminal = {
      isTty: false,
      print() {},
      errors: "",
      printError: (text: string) => void (terminal.errors += text),
    };
    assert.equal(await runDfget(["http://origin.example/f", ...args], { runtime: testRuntime(), terminal }, never), 2);
    assert.match(terminal.errors, message);
  }
});

Deno.test("URLs that cannot be downloaded are refused with the reason", async () => {
  const terminal = {
    isTty: false,
    print() {},
    errors: "",
    printError: (text: string) => void (terminal.errors += text),
  };
  const cases: readonly [string, RegExp, ...string[]][] = [
    ["gs://bucket/key", /only http, https and s3 URLs are served, not gs:\/\/; write s3:/],
    ["no url", /absolute URL/],
    ["s3://bucket/key?versionId=1", /more than a bucket and a key/],
    ["s3://bucket/key", /its secret belong together/, "--storage-access-key-id", "id"],
    ["s3://bucket/key", /endpoint/, "--storage-endpoint", "minio:9000"],
    ["s3://bucket/dir/", /'--digest' is only for single files/, "--digest", `sha256:${"0".repeat(64)}`],
    ["http://origin.example/dir", /HTTP has no directories/, "-r"],
  ];
  for (const [url, message, ...flags] of cases) {
    terminal.errors = "";
    assert.equal(await runDfget([url, "-O", "x", ...flags], { runtime: testRuntime(), terminal }, never), 2);
    assert.match(terminal.errors, message);
  }
});

Deno.test("a terminal sees progress, and nothing of it with --no-progress", async () => {
  await using stage = await Stage.open(hello);
  await stage.run(["--transfer-from-dfdaemon"], never, true);
  assert.match(stage.errors, /% of/);
  stage.errors = "";
  await stage.run(["--transfer-from-dfdaemon", "--overwrite", "--no-progress"], never, true);
  assert.equal(stage.errors, "");
});
