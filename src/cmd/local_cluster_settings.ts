/** What the parts of a cluster on one machine are configured with: values by key path, as `parseConfig` takes them. */
import { join } from "node:path";
import { formatHostPort, type HostPort } from "../config/addresses.ts";

/** Short, because what is new in a cluster that has just been started is what people look at. */
const REFRESH_INTERVAL = "1s";

/** Values of a configuration by key path; undefined ones do not count. */
export type Settings = Readonly<Record<string, unknown>>;

/** Where a peer listens; the other ports follow from the first, as the standard ones do. */
export interface PeerPlace {
  readonly ip: string;
  /** 4000 usually; 0 lets the system choose all ports. */
  readonly firstPort: number;
}

/** A registry that is not at `https://<namespace>`. */
export interface LocalUpstream {
  readonly namespace: string;
  readonly addr: string;
}

/** Settings of a manager whose database is in `dir`. */
export function managerSettings(
  { dir, ip, grpcPort, restPort }: {
    readonly dir: string;
    readonly ip: string;
    readonly grpcPort: number;
    readonly restPort: number;
  },
): Settings {
  return {
    "server.grpc.listenIP": ip,
    "server.grpc.port": grpcPort,
    "server.rest.addr": formatHostPort({ hostname: ip, port: restPort }),
    "database.sqlite.path": join(dir, "manager.db"),
  };
}

/** Settings of a scheduler that the manager, if there is one, knows by `name`; its files are in a folder of that name. */
export function schedulerSettings(
  { name, dir, ip, port, manager }: {
    readonly name: string;
    readonly dir: string;
    readonly ip: string;
    readonly port: number;
    readonly manager: HostPort | undefined;
  },
): Settings {
  return {
    "server.host": name,
    "server.cacheDir": join(dir, name),
    "server.advertiseIP": ip,
    "server.listenIP": ip,
    "server.port": port,
    "dynconfig.refreshInterval": REFRESH_INTERVAL,
    "manager.addr": manager && formatHostPort(manager),
    "manager.keepAlive.interval": REFRESH_INTERVAL,
  };
}

/** Where the peer `name` of a cluster in `dir` has the socket for the programs of its host. */
export function socketPathOf(dir: string, name: string): string {
  return join(dir, name, "dfdaemon.sock");
}

/** Settings of a peer that keeps its files in a folder of its name in `dir`. */
export function peerSettings(
  { name, isSeed, place: { ip, firstPort }, dir, upstreams, manager }: {
    readonly name: string;
    readonly isSeed: boolean;
    readonly place: PeerPlace;
    readonly dir: string;
    readonly upstreams: readonly LocalUpstream[];
    readonly manager: HostPort | undefined;
  },
): Settings {
  const port = (offset: number) => firstPort === 0 ? 0 : firstPort + offset;
  const home = join(dir, name);
  return {
    "host.hostname": name,
    "host.ip": ip,
    "server.cacheDir": join(home, "cache"),
    "manager.addr": manager && formatHostPort(manager),
    "seedPeer.enable": isSeed,
    "dynconfig.refreshInterval": REFRESH_INTERVAL,
    "upload.server.ip": ip,
    "upload.server.port": port(0),
    "proxy.server.ip": ip,
    "proxy.server.port": port(1),
    "proxy.registryMirror.upstreams": upstreams,
    "metrics.server.ip": ip,
    "metrics.server.port": port(2),
    "health.server.ip": ip,
    "health.server.port": port(3),
    "storage.dir": join(home, "storage"),
    "storage.server.ip": ip,
    "storage.server.tcpPort": port(5),
    "download.server.socketPath": socketPathOf(dir, name),
  };
}
