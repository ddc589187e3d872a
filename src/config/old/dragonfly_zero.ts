import { isTable } from "../clean.ts";
import { rulesOf } from "./go_proxy.ts";
import { certificates, hijack, insecure, registryUrl, type TlsKeys } from "./go_tls.ts";
import {
  becomes,
  decideIf,
  type Fate,
  gone,
  isOn,
  type OldForm,
  type OldKey,
  oldPort,
  oldSize,
  saysSomething,
} from "./old_form.ts";

const SCHEDULER_PORT = 8002;
const OLD_PORT = 65001;
const TLS_KEYS: TlsKeys = { mirror: "registry_mirror", registry: "remote", hijack: "hijack_https" };
const NO_FORKS = "dfdaemon downloads by itself; no dfget is started";
const NO_LIMIT = "there is no such limit; download.bandwidthLimit is that of all";
const SUPERNODE = "a supernode is a scheduler and a seed peer today: run both where the supernodes were. Peers speak " +
  "gRPC with the scheduler on port 8002; port 8001 is gone";

/** Supernodes: `host`, `host:port`, each with a weight behind `=`; one text with commas, or a list. */
function supernodes(value: unknown): Fate[] {
  const texts = (Array.isArray(value) ? value : [value]).flatMap((row) => String(row ?? "").split(","));
  const hosts = texts.map((text) => text.trim().replace(/=\d+$/, "").replace(/:\d+$/, "")).filter((host) =>
    host !== ""
  );
  if (hosts.length === 0) return [];
  const fates: Fate[] = hosts.map((host) => ({ kind: "scheduler", addr: `${host}:${SCHEDULER_PORT}` }));
  return [...fates, { kind: "decide", what: SUPERNODE }];
}

/** Limits of a client of old; dfget has no file of its own today. */
const CLIENT_KEYS: Readonly<Record<string, OldKey>> = {
  nodes: supernodes,
  localLimit: gone(NO_LIMIT),
  minRate: gone(NO_LIMIT),
  totalLimit: becomes("download.bandwidthLimit", oldSize),
  clientQueueSize: gone("download.concurrentPieceCount says how many pieces are downloaded at the same time"),
};

/** `dfdaemon.yml` of Dragonfly 0.3 to 1.0. */
export const ZERO_DAEMON: OldForm = {
  name: "the form of Dragonfly 0.x and 1.0 (dfdaemon.yml)",
  component: "dfdaemon",
  keys: {
    registry_mirror: gone("it said nothing"),
    "registry_mirror.remote": becomes("proxy.registryMirror.addr", registryUrl),
    "registry_mirror.certs": certificates("proxy.registryMirror.cert"),
    "registry_mirror.insecure": insecure(TLS_KEYS),
    "registry_mirror.direct": (value) => isOn(value) ? [{ kind: "becomes", key: "proxy.rules", value: [] }] : [],
    registry: becomes("proxy.registryMirror.addr", registryUrl),
    proxies: (value) => rulesOf(value, { useTls: "use_https", filter: undefined, addBlobs: true }),
    hijack_https: hijack(TLS_KEYS),
    supernodes,
    node: supernodes,
    dfget_flags: decideIf(saysSomething, `look whether a flag of dfget is still wanted: ${NO_FORKS}`),
    dfpath: gone(NO_FORKS),
    localrepo: gone("contents are in storage.dir"),
    workHome: gone("contents are in storage.dir"),
    ratelimit: becomes("download.bandwidthLimit", oldSize),
    maxprocs: gone("one core is used"),
    logConfig: gone("logs go to standard output"),
    streamMode: gone("contents are always streamed"),
    verbose: (value) => isOn(value) ? [{ kind: "becomes", key: "log.level", value: "debug" }] : [],
    port: becomes("proxy.server.port", oldPort),
    hostIp: becomes("proxy.server.ip"),
    peerPort: gone("peers are served on upload.server.port and storage.server.tcpPort"),
    certpem: decideIf(saysSomething, "the proxy listened with TLS, which there is not: runtimes ask it by http://"),
    keypem: gone("see certpem"),
  },
  always: (file) => "port" in file ? [] : [{ kind: "becomes", key: "proxy.server.port", value: OLD_PORT }],
};

/** `dfget.yml` of Dragonfly 0.3 to 1.0, and `dragonfly.conf` before it. */
export const ZERO_CLIENT: OldForm = {
  name: "the form of Dragonfly 0.x for dfget (dfget.yml, dragonfly.conf)",
  component: "dfdaemon",
  keys: CLIENT_KEYS,
};

/** `supernode.yml`, and `cdn.yaml` of the first 2.0. */
export const SUPERNODE_FILE: OldForm = {
  name: "the form of Dragonfly's supernode (supernode.yml)",
  component: "scheduler",
  keys: {
    base: (value) => {
      const { advertiseIP } = isTable(value) ? value : {};
      const fates: Fate[] = saysSomething(advertiseIP)
        ? [{ kind: "becomes", key: "server.advertiseIP", value: advertiseIP }]
        : [];
      return [...fates, { kind: "decide", what: SUPERNODE }];
    },
    plugins: gone("plugins of Dragonfly cannot be loaded"),
  },
};

/** `dragonfly.conf`, which is no YAML, as the table that {@link ZERO_CLIENT} reads; undefined when it is something else. */
export function readDragonflyConf(text: string): Readonly<Record<string, unknown>> | undefined {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/[#;].*/, "").trim()).filter((line) => line !== "");
  const [head, ...pairs] = lines;
  if (head?.toLowerCase() !== "[node]") return undefined;
  const addresses = pairs.flatMap((line) => /^address\s*=\s*"?([^"]*)"?$/i.exec(line)?.[1] ?? []);
  return { nodes: addresses.flatMap((value) => value.split(",")) };
}
