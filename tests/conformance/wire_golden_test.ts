/** The messages of the core path, byte by byte, as the field numbers of wire.md §1.3 make them. */
import assert from "node:assert/strict";
import {
  CgroupMemory,
  Download,
  Host,
  Peer,
  Piece,
  Priority,
  TaskType,
  TrafficType,
} from "../../src/rpc/gen/common/v2/common.ts";
import {
  DownloadTaskResponse,
  SyncHostRequest,
  SyncPiecesRequest,
  SyncPiecesResponse,
} from "../../src/rpc/gen/dfdaemon/v2/dfdaemon.ts";
import {
  KeepAliveRequest,
  ListApplicationsResponse,
  ListSchedulersRequest,
  ListSchedulersResponse,
  SourceType,
  UpdateSchedulerRequest,
} from "../../src/rpc/gen/manager/v2/manager.ts";
import {
  AnnounceHostRequest,
  AnnouncePeerRequest,
  AnnouncePeerResponse,
  DeleteHostRequest,
} from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { bytes, double, int, message, packed, text } from "./wire_encoder.ts";

interface Codec<T> {
  create(fields: Partial<T>): T;
  encode(value: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** Asserts that a message has this encoding and no other, and is what the encoding means. */
function assertWire<T>(codec: Codec<T>, value: T, ...fields: number[][]): void {
  const expected = fields.flat();
  assert.equal(hex(codec.encode(value).finish()), hex(expected));
  assert.deepEqual(codec.decode(Uint8Array.from(expected)), value);
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const HEAD = { hostId: "h", taskId: "t", peerId: "p" };
const HEAD_BYTES = [...text(1, "h"), ...text(2, "t"), ...text(3, "p")];

/** Every field is set. */
const FULL_DOWNLOAD = Download.create({
  url: "https://r/v2/a/blobs/b",
  digest: "sha256:00",
  range: { start: 5, length: 2 ** 40 },
  type: TaskType.PERSISTENT_CACHE,
  tag: "tag",
  application: "app",
  priority: Priority.LEVEL6,
  filteredQueryParams: ["ns", "X-Amz-Date"],
  requestHeader: { Accept: "*/*" },
  pieceLength: 4194304,
  outputPath: "/out",
  timeout: { seconds: 60, nanos: 5 },
  disableBackToSource: true,
  needBackToSource: true,
  certificateChain: [Uint8Array.of(1, 2)],
  prefetch: true,
  objectStorage: { region: "eu", insecureSkipVerify: false },
  hdfs: { delegationToken: "d" },
  isPrefetch: true,
  needPieceContent: true,
  forceHardLink: true,
  contentForCalculatingTaskId: "c",
  remoteIp: "10.0.0.9",
  concurrentPieceCount: 8,
  overwrite: true,
  actualPieceLength: 4194304,
  actualContentLength: 2 ** 33,
  actualPieceCount: 2048,
  enableTaskIdBasedBlobDigest: true,
  huggingFace: { revision: "main" },
  modelScope: { revision: "master", token: "m" },
  metadataOnly: true,
});

Deno.test("a Download has its fields at their numbers, 1 to 33", () => {
  assertWire(
    Download,
    FULL_DOWNLOAD,
    text(1, "https://r/v2/a/blobs/b"),
    text(2, "sha256:00"),
    message(3, int(1, 5), int(2, 2 ** 40)),
    int(4, 2),
    text(5, "tag"),
    text(6, "app"),
    int(7, 6),
    text(8, "ns"),
    text(8, "X-Amz-Date"),
    message(9, text(1, "Accept"), text(2, "*/*")),
    int(10, 4194304),
    text(11, "/out"),
    message(12, int(1, 60), int(2, 5)),
    int(13, 1),
    int(14, 1),
    bytes(15, [1, 2]),
    int(16, 1),
    message(17, text(1, "eu"), int(9, 0)),
    message(18, text(1, "d")),
    int(19, 1),
    int(20, 1),
    int(22, 1),
    text(23, "c"),
    text(24, "10.0.0.9"),
    int(25, 8),
    int(26, 1),
    int(27, 4194304),
    int(28, 2 ** 33),
    int(29, 2048),
    int(30, 1),
    message(31, text(2, "main")),
    message(32, text(1, "m"), text(2, "master")),
    int(33, 1),
  );
});

Deno.test("an optional field that is set to nothing is told from one that is absent", () => {
  const download = Download.create({ url: "u", digest: "", actualContentLength: 0, concurrentPieceCount: 0 });
  assertWire(Download, download, text(1, "u"), text(2, ""), int(25, 0), int(28, 0));
  assert.equal(Download.decode(Uint8Array.from(text(1, "u"))).actualContentLength, undefined);
});

Deno.test("the first message of a download registers it", () => {
  const download = Download.create({ url: "http://o/f", priority: Priority.LEVEL3, actualContentLength: 10 });
  const value = AnnouncePeerRequest.create({
    ...HEAD,
    request: { $case: "registerPeerRequest", value: { download } },
  });
  const registered = message(1, text(1, "http://o/f"), int(7, 3), int(28, 10));
  assertWire(AnnouncePeerRequest, value, HEAD_BYTES, message(4, registered));
  assert.equal(
    hex(AnnouncePeerRequest.encode(value).finish()),
    "0a01681201741a0170" + "2213" + "0a11" + "0a0a687474703a2f2f6f2f66" + "3803" + "e0010a",
  );
});

Deno.test("what a peer reports has its place in the oneof of the request", () => {
  const piece = Piece.create({
    number: 3,
    offset: 12,
    length: 4,
    digest: "crc32:0",
    trafficType: TrafficType.REMOTE_PEER,
  });
  const pieceBytes = [...int(1, 3), ...int(3, 12), ...int(4, 4), ...text(5, "crc32:0"), ...int(7, 1)];
  const backend = { message: "m", header: { a: "b" }, statusCode: 404 };
  const requests: [NonNullable<AnnouncePeerRequest["request"]>, number[]][] = [
    [{ $case: "downloadPeerStartedRequest", value: {} }, message(5)],
    [{ $case: "downloadPeerBackToSourceStartedRequest", value: { description: "d" } }, message(6, text(1, "d"))],
    [
      { $case: "reschedulePeerRequest", value: { candidateParents: [Peer.create({ id: "q" })], description: "d" } },
      message(7, message(1, text(1, "q")), text(2, "d")),
    ],
    [{ $case: "downloadPeerFinishedRequest", value: {} }, message(8)],
    [{ $case: "downloadPeerBackToSourceFinishedRequest", value: {} }, message(9)],
    [{ $case: "downloadPeerFailedRequest", value: { description: "" } }, message(10, text(1, ""))],
    [{ $case: "downloadPeerBackToSourceFailedRequest", value: { description: "d" } }, message(11, text(1, "d"))],
    [{ $case: "downloadPieceFinishedRequest", value: { piece } }, message(12, message(1, pieceBytes))],
    [{ $case: "downloadPieceBackToSourceFinishedRequest", value: { piece } }, message(13, message(1, pieceBytes))],
    [
      { $case: "downloadPieceFailedRequest", value: { pieceNumber: 0, parentId: "q", temporary: true } },
      message(14, int(1, 0), text(2, "q"), int(3, 1)),
    ],
    [
      {
        $case: "downloadPieceBackToSourceFailedRequest",
        value: { response: { $case: "backend", value: backend } },
      },
      message(15, message(2, text(1, "m"), message(2, text(1, "a"), text(2, "b")), int(3, 404))),
    ],
  ];
  for (const [request, expected] of requests) {
    const decoded = AnnouncePeerRequest.decode(Uint8Array.from([...HEAD_BYTES, ...expected]));
    assert.equal(decoded.request?.$case, request.$case);
    assert.equal(hex(AnnouncePeerRequest.encode({ ...HEAD, request }).finish()), hex([...HEAD_BYTES, ...expected]));
  }
});

Deno.test("the scheduler's answers have their places, and a candidate parent carries its host", () => {
  const host = Host.create({ id: "10.0.0.2-b", type: 1, ip: "10.0.0.2", port: 4000, downloadPort: 4000 });
  const parent = Peer.create({
    id: "q",
    state: "Running",
    cost: { seconds: 0, nanos: 7 },
    host,
    createdAt: { seconds: 1_700_000_000, nanos: 9 },
  });
  const hostBytes = [...text(1, "10.0.0.2-b"), ...int(2, 1), ...text(4, "10.0.0.2"), ...int(5, 4000), ...int(6, 4000)];
  assertWire(
    AnnouncePeerResponse,
    AnnouncePeerResponse.create({ response: { $case: "normalTaskResponse", value: { candidateParents: [parent] } } }),
    message(
      2,
      message(
        1,
        text(1, "q"),
        message(5, int(2, 7)),
        text(6, "Running"),
        message(8, hostBytes),
        message(10, int(1, 1_700_000_000), int(2, 9)),
      ),
    ),
  );
  const empty = AnnouncePeerResponse.create({ response: { $case: "emptyTaskResponse", value: {} } });
  assertWire(AnnouncePeerResponse, empty, message(1));
  const metadataOnly = AnnouncePeerResponse.create({ response: { $case: "metadataOnlyResponse", value: {} } });
  assertWire(AnnouncePeerResponse, metadataOnly, message(4));
});

Deno.test("a host is announced with where it is and how loaded its network is", () => {
  const value = AnnounceHostRequest.create({
    host: Host.create({
      id: "i",
      hostname: "n",
      ip: "10.0.0.1",
      port: 4000,
      downloadPort: 4000,
      os: "linux",
      network: {
        location: "eu|de",
        idc: "",
        maxRxBandwidth: 4e11,
        rxBandwidth: 1,
        maxTxBandwidth: 4e11,
        txBandwidth: 0,
      },
      schedulerClusterId: 1,
      disableShared: true,
      proxyPort: 4001,
      name: "ns-pod",
    }),
    interval: { seconds: 300, nanos: 0 },
  });
  const network = [text(3, "eu|de"), text(4, ""), int(9, 4e11), int(10, 1), int(11, 4e11), int(12, 0)];
  const ports = [int(5, 4000), int(6, 4000)];
  const host = message(
    1,
    text(1, "i"),
    text(3, "n"),
    text(4, "10.0.0.1"),
    ...ports,
    text(7, "linux"),
    message(14, ...network),
    int(17, 1),
    int(18, 1),
    int(19, 4001),
    text(20, "ns-pod"),
  );
  assertWire(AnnounceHostRequest, value, host, message(2, int(1, 300)));
  assertWire(DeleteHostRequest, DeleteHostRequest.create({ hostId: "i" }), text(1, "i"));
});

Deno.test("percentages are doubles, and resources have their numbers", () => {
  const value = Host.create({
    cpu: { logicalCount: 8, physicalCount: 4, percent: 12.5, processPercent: 0.5, cgroup: { period: 1, quota: -1 } },
    memory: { total: 100, usedPercent: 50, free: 7 },
    disk: { total: 9, writeBandwidth: 3 },
    build: { gitVersion: "1.0.0", rustVersion: "" },
  });
  const quota = int(2, -1);
  const cpu = [int(1, 8), int(2, 4), double(3, 12.5), double(4, 0.5), message(6, int(1, 1), quota)];
  const memory = [int(1, 100), double(4, 50), int(6, 7)];
  const build = message(16, text(1, "1.0.0"), text(4, ""));
  assertWire(Host, value, message(12, ...cpu), message(13, ...memory), message(15, int(1, 9), int(10, 3)), build);
});

Deno.test("pieces are asked for and told", () => {
  const request = SyncPiecesRequest.create({ hostId: "h", taskId: "t", interestedPieceNumbers: [0, 1, 300] });
  assertWire(SyncPiecesRequest, request, text(1, "h"), text(2, "t"), packed(3, [0, 1, 300]));
  const response = SyncPiecesResponse.create({ number: 2, offset: 8388608, length: 5, ip: "10.0.0.2", tcpPort: 4005 });
  assertWire(SyncPiecesResponse, response, int(1, 2), int(2, 8388608), int(3, 5), text(4, "10.0.0.2"), int(5, 4005));
  assertWire(SyncHostRequest, SyncHostRequest.create({ hostId: "h", peerId: "p" }), text(1, "h"), text(2, "p"));
});

Deno.test("a download tells its start, then its pieces", () => {
  const started = {
    contentLength: 5,
    range: { start: 1, length: 2 },
    responseHeader: { etag: "x" },
    pieces: [Piece.create({ number: 1 })],
    isFinished: true,
  };
  assertWire(
    DownloadTaskResponse,
    DownloadTaskResponse.create({ ...HEAD, response: { $case: "downloadTaskStartedResponse", value: started } }),
    HEAD_BYTES,
    message(
      4,
      int(1, 5),
      message(2, int(1, 1), int(2, 2)),
      message(3, text(1, "etag"), text(2, "x")),
      message(4, int(1, 1)),
      int(5, 1),
    ),
  );
  const piece = Piece.create({ parentId: "q", content: Uint8Array.of(9), cost: { seconds: 1, nanos: 0 } });
  assertWire(
    DownloadTaskResponse,
    DownloadTaskResponse.create({ ...HEAD, response: { $case: "downloadPieceFinishedResponse", value: { piece } } }),
    HEAD_BYTES,
    message(5, message(1, text(2, "q"), bytes(6, [9]), message(8, int(1, 1)))),
  );
});

Deno.test("a peer asks the manager for its schedulers and gets them with their cluster", () => {
  const request = ListSchedulersRequest.create({
    sourceType: SourceType.SEED_PEER_SOURCE,
    hostname: "n",
    ip: "10.0.0.1",
    idc: "a",
    location: "b",
    version: "1.5.1",
    commit: "c",
    schedulerClusterId: 2,
  });
  const texts = [text(2, "n"), text(3, "10.0.0.1"), text(4, "a"), text(5, "b"), text(6, "1.5.1"), text(7, "c")];
  assertWire(ListSchedulersRequest, request, int(1, 2), ...texts, int(8, 2));
  const json = (value: string) => new TextEncoder().encode(value);
  const response = ListSchedulersResponse.create({
    schedulers: [{
      id: 1,
      hostname: "s",
      ip: "10.0.0.3",
      port: 8002,
      state: "active",
      schedulerClusterId: 1,
      schedulerCluster: { id: 1, name: "cluster-1", config: json("{}"), clientConfig: json("{}"), scopes: json("[]") },
      features: json('["schedule"]'),
    }],
  });
  const cluster = [int(1, 1), text(2, "cluster-1"), text(4, "{}"), text(5, "{}"), text(6, "[]")];
  const scheduler = [
    int(1, 1),
    text(2, "s"),
    text(5, "10.0.0.3"),
    int(6, 8002),
    text(7, "active"),
    int(8, 1),
    message(9, ...cluster),
    text(11, '["schedule"]'),
  ];
  assertWire(ListSchedulersResponse, response, message(1, ...scheduler));
});

Deno.test("a scheduler registers with the manager and keeps itself alive", () => {
  const update = UpdateSchedulerRequest.create({
    hostname: "s",
    schedulerClusterId: 1,
    ip: "10.0.0.3",
    port: 8002,
    features: ["schedule"],
  });
  const expected = [text(2, "s"), int(3, 1), text(6, "10.0.0.3"), int(7, 8002), text(8, "schedule")];
  assertWire(UpdateSchedulerRequest, update, ...expected);
  const alive = KeepAliveRequest.create({ hostname: "s", clusterId: 1, ip: "10.0.0.3" });
  assertWire(KeepAliveRequest, alive, text(2, "s"), int(3, 1), text(4, "10.0.0.3"));
  const urls = [{ regex: "r", value: Priority.LEVEL1 }];
  const applications = ListApplicationsResponse.create({
    applications: [{ id: 1, name: "a", priority: { value: Priority.LEVEL4, urls } }],
  });
  const priority = message(5, int(1, 4), message(2, text(1, "r"), int(2, 1)));
  assertWire(ListApplicationsResponse, applications, message(1, int(1, 1), text(2, "a"), priority));
});

Deno.test("a Download that is forwarded keeps the fields of a newer version", () => {
  const newer = [...text(1, "u"), ...message(34, text(2, "main")), ...int(99, 7)];
  const forwarded = { ...Download.decode(Uint8Array.from(newer)), needBackToSource: true };
  const expected = [...text(1, "u"), ...int(14, 1), ...message(34, text(2, "main")), ...int(99, 7)];
  assert.equal(hex(Download.encode(forwarded).finish()), hex(expected));
});

Deno.test("an unlimited control group is read and written again, as near as a number can be", () => {
  const unlimited = 0x7ffffffffffff000n;
  const value = CgroupMemory.decode(Uint8Array.from([...int(1, unlimited), ...int(2, 2n ** 64n - 1n)]));
  assert.deepEqual(value, CgroupMemory.create({ limit: Number(unlimited), usage: 2 ** 63 - 1024 }));
  const again = [...int(1, unlimited), ...int(2, 2 ** 63 - 1024)];
  assert.equal(hex(CgroupMemory.encode(value).finish()), hex(again));
});
