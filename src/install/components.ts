/** The components that run as services of a host, and what each needs of it by its configuration. */
import { dirname, normalize } from "node:path/posix";
import { DfdaemonConfig } from "../config/dfdaemon.ts";
import { loadConfig } from "../config/load.ts";
import { ManagerConfig } from "../config/manager.ts";
import { databaseKind } from "../config/manager_database.ts";
import { SchedulerConfig } from "../config/scheduler.ts";
import { DamselflyError } from "../core/error.ts";

export const COMPONENTS = ["dfdaemon", "scheduler", "manager"] as const;
export type ComponentName = typeof COMPONENTS[number];

/** The folder that dfdaemon and Dragonfly's programs share by default; a user of its own cannot have it. */
const SHARED_FOLDER = "/var/lib/dragonfly";
/** Ports below this are opened by root, or with a capability. */
const FREE_PORT_MIN = 1024;

/** What a component needs of its host. */
export interface Needs {
  /** Folders that it writes to. */
  readonly folders: readonly string[];
  /** Whether it listens on a port below 1024. */
  readonly hasLowPort: boolean;
  /** What its configuration warns of. */
  readonly warnings: readonly string[];
}

/** What a component needs with the text of its configuration; `path` is what messages call it. Throws as loading does. */
export async function needsOf(component: ComponentName, text: string, path: string): Promise<Needs> {
  const source = { text, path };
  const { folders, ports, warnings } = await READERS[component](source);
  const hasLowPort = ports.some((port) => port > 0 && port < FREE_PORT_MIN);
  return {
    folders: [...new Set(folders.map((folder) => normalize(folder).replace(/(?<=.)\/+$/, "")))],
    hasLowPort,
    warnings,
  };
}

interface Read {
  readonly folders: readonly string[];
  readonly ports: readonly number[];
  readonly warnings: readonly string[];
}

type Reader = (source: { readonly text: string; readonly path: string }) => Promise<Read>;

/** The text is at hand, so that nothing is read. */
const NO_EFFECTS = { disk: { readText: () => Promise.reject(new Error("No file is read")) }, env: () => undefined };

const READERS: Readonly<Record<ComponentName, Reader>> = {
  async dfdaemon(source) {
    const { config, warnings } = await loadConfig(DfdaemonConfig, source, NO_EFFECTS);
    const { server, storage, download, upload, proxy, health, metrics } = config;
    return {
      folders: [storage.dir, server.cacheDir, dirname(download.server.socketPath)],
      ports: [upload, proxy, health, metrics].map((part) => part.server.port).concat(storage.server.tcpPort),
      warnings,
    };
  },
  async scheduler(source) {
    const { config, warnings } = await loadConfig(SchedulerConfig, source, NO_EFFECTS);
    return { folders: [config.server.cacheDir], ports: [config.server.port, config.metrics.addr.port], warnings };
  },
  async manager(source) {
    const { config, warnings } = await loadConfig(ManagerConfig, source, NO_EFFECTS);
    const { grpc, rest } = config.server;
    const folders = databaseKind(config.database) === "sqlite" ? [dirname(config.database.sqlite.path)] : [];
    if (folders.some((folder) => folder.replace(/\/+$/, "") === SHARED_FOLDER)) {
      throw new DamselflyError(
        "failed_precondition",
        `Cannot give ${SHARED_FOLDER} to the manager's own user: write database.sqlite.path: ` +
          `${SHARED_FOLDER}-manager/manager.db into ${source.path}, and move a manager.db that is there already`,
      );
    }
    return { folders, ports: [grpc.port, rest.addr.port, config.metrics.addr.port], warnings };
  },
};

/** The configuration that a component gets where it has none; `manager` is the URL of a manager. */
export function sampleConfig(component: ComponentName, manager: string | undefined): string {
  const head =
    `# All keys and their defaults: docs/config/${component}.md. Try a change with: damselfly config check FILE\n`;
  if (component === "manager") {
    return `${head}database:\n  type: sqlite\n  sqlite: { path: ${SHARED_FOLDER}-manager/manager.db }\n`;
  }
  if (manager !== undefined) return `${head}manager: { addr: ${JSON.stringify(manager)} }\n`;
  return `${head}# manager: { addr: http://10.0.0.1:65003 }\n`;
}
