import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { tlsPathsOf } from "../config/tls.ts";
import { openOptionalTlsFiles, type TlsFiles, type TlsRuntime } from "../runtime/tls_files.ts";

/** What gRPC connections of a peer are protected with; undefined where the configuration has no TLS. */
export interface PeerTls {
  readonly server: TlsFiles | undefined;
  readonly parents: TlsFiles | undefined;
  readonly managerTls: TlsFiles | undefined;
  readonly schedulerTls: TlsFiles | undefined;
}

/** Opens the TLS files of the configuration; `stack` owns them. Fails as `openTlsFiles` does. */
export async function openPeerTls(
  { upload, manager, scheduler }: Pick<DfdaemonConfig, "upload" | "manager" | "scheduler">,
  runtime: TlsRuntime,
  stack: AsyncDisposableStack,
): Promise<PeerTls> {
  const open = async (table: Parameters<typeof tlsPathsOf>[0]) => {
    return stack.use(await openOptionalTlsFiles(tlsPathsOf(table), runtime));
  };
  return {
    server: await open(upload.server),
    parents: await open(upload.client),
    managerTls: await open(manager),
    schedulerTls: await open(scheduler),
  };
}
