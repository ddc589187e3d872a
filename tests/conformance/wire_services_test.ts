/** Every RPC by its full path and its kind, as wire.md §1 lists them. */
import assert from "node:assert/strict";
import { DfdaemonDownloadService, DfdaemonUploadService } from "../../src/rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { HealthService } from "../../src/rpc/gen/grpc/health/v1/health.ts";
import { ManagerService } from "../../src/rpc/gen/manager/v2/manager.ts";
import { SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import type { ServiceDefinition } from "../../src/rpc/definition.ts";

type Kind = "unary" | "clientStream" | "serverStream" | "bidi";

interface Listed {
  readonly definition: ServiceDefinition;
  readonly rpcs: { readonly [K in Kind]?: string };
}

const SERVICES: Readonly<Record<string, Listed>> = {
  "manager.v2.Manager": {
    definition: ManagerService,
    rpcs: {
      unary: `
        GetSeedPeer ListSeedPeers UpdateSeedPeer DeleteSeedPeer GetScheduler UpdateScheduler ListSchedulers
        ListApplications
      `,
      clientStream: "KeepAlive",
    },
  },
  "scheduler.v2.Scheduler": {
    definition: SchedulerService,
    rpcs: {
      unary: `
        StatPeer DeletePeer StatTask DeleteTask AnnounceHost ListHosts DeleteHost StatCachePeer
        DeleteCachePeer StatCacheTask DeleteCacheTask StatPersistentPeer DeletePersistentPeer
        UploadPersistentTaskStarted UploadPersistentTaskFinished UploadPersistentTaskFailed
        StatPersistentTask DeletePersistentTask StatPersistentCachePeer DeletePersistentCachePeer
        UploadPersistentCacheTaskStarted UploadPersistentCacheTaskFinished UploadPersistentCacheTaskFailed
        StatPersistentCacheTask DeletePersistentCacheTask PreheatImage StatImage PreheatFile StatFile
      `,
      bidi: "AnnouncePeer AnnounceCachePeer AnnouncePersistentPeer AnnouncePersistentCachePeer",
    },
  },
  "dfdaemon.v2.DfdaemonUpload": {
    definition: DfdaemonUploadService,
    rpcs: {
      unary: `
        StatTask StatLocalTask ListTaskEntries DeleteTask StatCacheTask DeleteCacheTask DownloadCachePiece
        UpdatePersistentTask StatPersistentTask DeletePersistentTask UpdatePersistentCacheTask
        StatPersistentCacheTask DeletePersistentCacheTask ExchangeIBVerbsQueuePairEndpoint
      `,
      serverStream: `
        DownloadTask SyncPieces DownloadCacheTask SyncCachePieces DownloadPersistentTask
        SyncPersistentPieces DownloadPersistentCacheTask SyncPersistentCachePieces SyncHost
      `,
    },
  },
  "dfdaemon.v2.DfdaemonDownload": {
    definition: DfdaemonDownloadService,
    rpcs: {
      unary: `
        StatTask StatLocalTask ListLocalTasks ListTaskEntries DeleteTask DeleteLocalTask DeleteHost
        StatCacheTask DeleteCacheTask UploadPersistentTask StatPersistentTask StatLocalPersistentTask
        ListLocalPersistentTasks UploadPersistentCacheTask StatPersistentCacheTask
        StatLocalPersistentCacheTask ListLocalPersistentCacheTasks
      `,
      serverStream: "DownloadTask DownloadCacheTask DownloadPersistentTask DownloadPersistentCacheTask",
    },
  },
  "grpc.health.v1.Health": {
    definition: HealthService,
    rpcs: {
      unary: "Check",
      serverStream: "Watch",
    },
  },
};

function kindOf(requestStream: boolean, responseStream: boolean): Kind {
  if (requestStream) return responseStream ? "bidi" : "clientStream";
  return responseStream ? "serverStream" : "unary";
}

for (const [name, { definition, rpcs }] of Object.entries(SERVICES)) {
  Deno.test(`${name} has exactly the RPCs of the wire, each at its path and of its kind`, () => {
    const expected = Object.entries(rpcs).flatMap(([kind, names]) =>
      names.trim().split(/\s+/).map((rpc) => `${kind} /${name}/${rpc}`)
    );
    const actual = Object.values(definition).map(({ path, requestStream, responseStream }) =>
      `${kindOf(requestStream, responseStream)} ${path}`
    );
    assert.deepEqual(actual.toSorted(), expected.toSorted());
  });
}
