import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DamselflyError } from "../core/error.ts";
import { PersistentCacheTask, Piece } from "../rpc/gen/common/v2/common.ts";
import {
  DfdaemonDownloadService,
  type DownloadPersistentCacheTaskRequest,
  type DownloadPersistentCacheTaskResponse,
  type UploadPersistentCacheTaskRequest,
} from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { service, startRpcServer } from "../rpc/server.ts";
import { durationOfMs, timestampOfMs } from "../rpc/time.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { runDfcache } from "./dfcache.ts";

const ID = "ab".repeat(32);
const never = new AbortController().signal;

/** A daemon on a unix socket, and a dfcache that uses it. */
class Stage implements AsyncDisposable {
  readonly dir: string;
  readonly output: string;
  readonly imports: UploadPersistentCacheTaskRequest[] = [];
  readonly exports: DownloadPersistentCacheTaskRequest[] = [];
  readonly env: Record<string, string> = {};
  printed = "";
  errors = "";
  /** Throws when the daemon fails. */
  fails: (() => void) | undefined;
  readonly #stack = new AsyncDisposableStack();

  private constructor(dir: string) {
    this.dir = dir;
    this.output = join(dir, "out.bin");
    this.#stack.defer(() => rm(dir, { recursive: true }));
  }

  static async open(hasDaemon = true): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), "dfcache-test-")));
    if (!hasDaemon) return stage;
    const { clock, log } = testRuntime();
    const services = [service(DfdaemonDownloadService, {
      uploadPersistentCacheTask: (request) => {
        stage.imports.push(request);
        return Promise.try(() => {
          stage.fails?.();
          return PersistentCacheTask.create({ id: ID });
        });
      },
      downloadPersistentCacheTask: (request) => stage.#download(request),
      statPersistentCacheTask: ({ taskId }) =>
        Promise.try(() => {
          stage.fails?.();
          return taskOf(taskId);
        }),
    })];
    stage.#stack.use(await startRpcServer({ listen: { unixPath: stage.#socket }, services, log, clock }));
    return stage;
  }

  get #socket(): string {
    return join(this.dir, "dfdaemon.sock");
  }

  async *#download(
    request: DownloadPersistentCacheTaskRequest,
  ): AsyncGenerator<DownloadPersistentCacheTaskResponse, void, undefined> {
    this.exports.push(request);
    const ids = { hostId: "h", taskId: request.taskId, peerId: "p" };
    const started = { contentLength: 11 };
    yield { ...ids, response: { $case: "downloadPersistentCacheTaskStartedResponse", value: started } };
    for (const [number, text] of [[1, " worl"], [0, "hello"], [2, "d"]] as const) {
      const content = new TextEncoder().encode(text);
      const piece = Piece.fromPartial({ number, offset: number * 5, length: content.length });
      if (request.needPieceContent) piece.content = content;
      yield { ...ids, response: { $case: "downloadPieceFinishedResponse", value: { piece } } };
    }
    this.fails?.();
    if (request.outputPath !== undefined) await writeFile(request.outputPath, "hello world");
  }

  async file(): Promise<string> {
    const path = join(this.dir, "in.bin");
    await writeFile(path, "hello");
    return path;
  }

  run(...args: string[]): Promise<number> {
    const terminal = {
      isTty: false,
      print: (text: string) => void (this.printed += text),
      printError: (text: string) => void (this.errors += text),
    };
    const runtime = testRuntime({ disk: realDisk(realRandom()), env: this.env });
    return runDfcache([...args, "-e", this.#socket], { runtime, terminal }, never);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function taskOf(id: string): PersistentCacheTask {
  return PersistentCacheTask.create({
    ...{ id, state: "Succeeded", contentLength: 30 << 20, pieceLength: 4 << 20 },
    ...{ persistentReplicaCount: 2, currentPersistentReplicaCount: 1, ttl: durationOfMs(3_600_000) },
    createdAt: timestampOfMs(Date.UTC(2026, 0, 2, 3, 4, 5)),
    updatedAt: timestampOfMs(Date.UTC(2026, 0, 2, 3, 4, 6)),
  });
}

Deno.test("import prints the task id alone, and asks for what the flags say", async () => {
  await using stage = await Stage.open();
  const path = await stage.file();
  assert.equal(await stage.run("import", path), 0, stage.errors);
  assert.equal(stage.printed, `${ID}\n`);
  const [plain] = stage.imports;
  assert.deepEqual([plain?.path, plain?.persistentReplicaCount, plain?.ttl?.seconds, plain?.timeout?.seconds], [
    ...[path, 2, 3_600, 1_800],
  ]);
  assert.deepEqual([plain?.tag, plain?.application, plain?.pieceLength, plain?.contentForCalculatingTaskId], [
    ...[undefined, undefined, undefined, undefined],
  ]);
  const flags = ["--tag", "t", "--application", "a", "--piece-length", "8mib", "--ttl", "7d", "--timeout", "5s"];
  const more = ["--persistent-replica-count", "5", "--content-for-calculating-task-id", "text", "--no-progress"];
  assert.equal(await stage.run("import", path, ...flags, ...more), 0, stage.errors);
  const asked = stage.imports[1];
  assert.deepEqual([asked?.tag, asked?.application, asked?.pieceLength], ["t", "a", 8 << 20]);
  assert.deepEqual([asked?.ttl?.seconds, asked?.timeout?.seconds], [7 * 86_400, 5]);
  assert.deepEqual([asked?.persistentReplicaCount, asked?.contentForCalculatingTaskId], [5, "text"]);
});

Deno.test("export lets dfdaemon put the file in place, or writes it itself", async () => {
  await using stage = await Stage.open();
  assert.equal(await stage.run("export", ID, "-O", stage.output, "--force-hard-link"), 0, stage.errors);
  assert.equal(await readFile(stage.output, "utf8"), "hello world");
  assert.match(stage.printed, /out\.bin: 0\.0 KiB in/);
  const [placed] = stage.exports;
  assert.deepEqual([placed?.taskId, placed?.outputPath, placed?.forceHardLink], [ID, stage.output, true]);
  assert.deepEqual([placed?.persistent, placed?.needPieceContent], [false, false]);
  const flags = ["--transfer-from-dfdaemon", "--overwrite"];
  const digest = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
  assert.equal(await stage.run("export", ID, "-O", stage.output, ...flags, "--digest", digest), 0, stage.errors);
  assert.equal(await readFile(stage.output, "utf8"), "hello world");
  const sent = stage.exports[1];
  assert.deepEqual([sent?.outputPath, sent?.needPieceContent, sent?.overwrite, sent?.digest], [
    ...[undefined, true, true, digest],
  ]);
});

Deno.test("bytes that are not those of --digest do not become the output", async () => {
  await using stage = await Stage.open();
  const flags = ["--transfer-from-dfdaemon", "--digest", `sha256:${"00".repeat(32)}`];
  assert.equal(await stage.run("export", ID, "-O", stage.output, ...flags), 6);
  assert.deepEqual((await readdir(stage.dir)).filter((name) => name.includes("out.bin")), []);
});

Deno.test("stat shows what is known of a task as a table", async () => {
  await using stage = await Stage.open();
  assert.equal(await stage.run("stat", ID), 0, stage.errors);
  const [names, values] = stage.printed.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(names, [
    ...["ID", "STATE", "CONTENT LENGTH", "PIECE LENGTH", "PERSISTENT REPLICA COUNT", "TTL", "CREATED", "UPDATED"],
  ]);
  assert.deepEqual(values, [
    ...[ID, "Succeeded", "30.0 MiB", "4.0 MiB", "1 of 2", "1h", "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"],
  ]);
});

Deno.test("each failure has its exit code and says what dfdaemon said", async () => {
  await using stage = await Stage.open();
  const path = await stage.file();
  const cases = [
    ["not_found", 1],
    ["already_exists", 1],
    ["unavailable", 3],
    ["data_loss", 6],
  ] as const;
  for (const [code, expected] of cases) {
    stage.fails = () => {
      throw new DamselflyError(code, `It says ${code}`);
    };
    for (const args of [["import", path], ["stat", ID], ["export", ID, "-O", stage.output]]) {
      stage.errors = "";
      assert.equal(await stage.run(...args), expected);
      assert.match(stage.errors, new RegExp(`dfcache: .*It says ${code}`));
    }
  }
  await using alone = await Stage.open(false);
  assert.equal(await alone.run("stat", ID), 3);
  assert.match(alone.errors, /Cannot reach dfdaemon at .*is it running/);
});

Deno.test("what cannot be is refused before dfdaemon is asked", async () => {
  await using stage = await Stage.open();
  const path = await stage.file();
  const wrong = [
    [],
    ["nope"],
    ["import"],
    ["import", path, "--ttl", "4m"],
    ["import", path, "--ttl", "8d"],
    ["import", path, "--persistent-replica-count", "0"],
    ["import", path, "--piece-length", "1mib"],
    ["import", path, "--piece-length", "65mib"],
    ["export", ID],
    ["export", "1111", "-O", stage.output],
    ["export", ID, "-O", stage.output, "--digest", "crc32:1"],
    ["export", ID, "-O", stage.output, "--overwrite", "--force-hard-link"],
    ["stat", "1111"],
  ];
  for (const args of wrong) assert.equal(await stage.run(...args), 2, args.join(" "));
  await writeFile(stage.output, "mine");
  const failing = [
    ["import", join(stage.dir, "none")],
    ["import", stage.dir],
    ["export", ID, "-O", stage.output],
    ["export", ID, "-O", join(stage.dir, "none", "out")],
  ];
  for (const args of failing) assert.equal(await stage.run(...args), 1, args.join(" "));
  assert.equal(await readFile(stage.output, "utf8"), "mine");
  assert.deepEqual([stage.imports, stage.exports], [[], []]);
});

Deno.test("what the environment sets counts for its subcommand, and the command line has the last word", async () => {
  await using stage = await Stage.open();
  Object.assign(stage.env, {
    DFCACHE_IMPORT_TAG: "of the environment",
    DFCACHE_IMPORT_APPLICATION: "app",
    DFCACHE_EXPORT_TIMEOUT: "nonsense",
  });
  assert.equal(await stage.run("import", await stage.file(), "--tag", "typed"), 0, stage.errors);
  const [request] = stage.imports;
  assert.deepEqual([request?.tag, request?.application], ["typed", "app"]);
  assert.equal(await stage.run("export", ID, "-O", stage.output), 2);
  stage.env["DFCACHE_EXPORT_TIMEOUT"] = "1h";
  stage.env["DFCACHE_EXPORT_OVERWRITE"] = "maybe";
  assert.equal(await stage.run("export", ID, "-O", stage.output), 2);
  assert.match(stage.errors, /DFCACHE_EXPORT_OVERWRITE is "maybe"/);
});
