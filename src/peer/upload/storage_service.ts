import { checkCacheTaskId } from "../../core/persistent_cache.ts";
import { StorageService } from "../../rpc/gen/damselfly/v1/storage.ts";
import { type RpcService, service } from "../../rpc/service.ts";
import type { Storage } from "../storage/storage.ts";

/** What the storage service acts on. */
export interface StorageServiceOptions {
  /** They share a volume. */
  readonly storages: readonly Pick<Storage, "usage">[];
  readonly collection: { collect(): Promise<number> };
  /** Removes a task of the persistent cache from all hosts. */
  readonly cacheControl: { remove(taskId: string, signal: AbortSignal): Promise<void> };
}

/** `damselfly.v1.Storage`: what a peer offers to programs on its own host besides Dragonfly's service. */
export function storageService({ storages, collection, cacheControl }: StorageServiceOptions): RpcService {
  return service(StorageService, {
    collectGarbage: async () => {
      const removedTaskCount = await collection.collect();
      const usages = await Promise.all(storages.map((storage) => storage.usage()));
      const usedBytes = usages.reduce((sum, usage) => sum + usage.usedBytes, 0);
      return { removedTaskCount, usedBytes, freeBytes: usages[0]?.freeBytes ?? 0 };
    },
    removePersistentCacheTask: async ({ taskId }, { signal }) => {
      await cacheControl.remove(checkCacheTaskId(taskId), signal);
      return {};
    },
  });
}
