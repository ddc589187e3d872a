import { isTable } from "../clean.ts";
import {
  at,
  becomes,
  decideIf,
  goDuration,
  gone,
  isOff,
  isOn,
  type OldForm,
  type OldKey,
  type Table,
  wholeNumber,
} from "./old_form.ts";

const NO_MODELS = "nothing is trained: the algorithm swarm goes by the speeds that children measure";
const TRACES = "traces are told of with tracing.protocol and tracing.endpoint (OTLP)";
const CERTIFICATES = "the manager issues no certificates: write files into the tables tls, or leave TLS out";

const COMMON: Readonly<Record<string, OldKey>> = {
  jaeger: gone(TRACES),
  telemetry: gone(TRACES),
  security: decideIf(
    (value) => isTable(value) && (isOn(value["autoIssueCert"]) || isOn(value["enable"])),
    CERTIFICATES,
  ),
  trainer: gone(NO_MODELS),
  networkTopology: gone("schedulers learn from pieces how fast hosts are"),
};

function algorithm(value: unknown) {
  const why = "parents are chosen by scheduler.algorithm swarm, or by default, Dragonfly's rules";
  if (value === "ml" || value === "nt") return [{ kind: "gone", why }] as const;
  if (value === "plugin") return [{ kind: "decide", what: `Go plugins cannot be loaded: ${why}` }] as const;
  return [{ kind: "becomes", key: "scheduler.algorithm", value }] as const;
}

/** `scheduler.yaml` of Dragonfly 2.0 and 2.1, as far as it differs from that of today. */
export const GO_SCHEDULER: OldForm = {
  name: "the form of Dragonfly 2.0 and 2.1 for schedulers",
  component: "scheduler",
  keys: {
    ...COMMON,
    "server.ip": becomes("server.advertiseIP"),
    "server.listen": becomes("server.listenIP"),
    "scheduler.algorithm": algorithm,
    "scheduler.backSourceCount": becomes("scheduler.backToSourceCount", wholeNumber),
    "scheduler.retryBackSourceLimit": becomes("scheduler.retryBackToSourceLimit", wholeNumber),
    "scheduler.training": gone(NO_MODELS),
    "scheduler.gc.taskTTL": gone("a task is forgotten when no peer has it any more"),
    "host.netTopology": gone("host.location says where a host is"),
    "dynConfig.expireTime": becomes("dynconfig.refreshInterval", goDuration),
    "dynConfig.path": gone("manager.addr decides where settings come from"),
    "dynConfig.data": gone("manager.addr decides where settings come from"),
    "dynConfig.cdnDirPath": gone("seed peers make themselves known to the manager"),
    disableCDN: (value) => [{ kind: "becomes", key: "seedPeer.enable", value: !isOn(value) }],
    "manager.enable": gone("manager.addr alone says that there is a manager"),
    "manager.addr": (value, file) =>
      isOff(at(file, "manager.enable"))
        ? [{ kind: "gone", why: "manager.enable was false, so that no manager was asked" }]
        : [{ kind: "becomes", key: "manager.addr", value }],
    "manager.schedulerClusterID": becomes("manager.schedulerClusterID", wholeNumber),
    "metrics.enablePeerHost": gone("there are no series per host"),
    storage: gone("no records of downloads are kept"),
    resource: gone("connections to peers are kept without settings"),
  },
};

function sqlAuthority(value: unknown, file: Table) {
  const isTaken = at(file, "database.mysql.tls.caCert") !== undefined;
  return isTaken ? [] : [{ kind: "becomes", key: "database.mysql.tls.caCert", value }] as const;
}

/** `manager.yaml` of Dragonfly 2.0 and 2.1, as far as it differs from that of today. */
export const GO_MANAGER: OldForm = {
  name: "the form of Dragonfly 2.0 and 2.1 for managers",
  component: "manager",
  keys: {
    ...COMMON,
    objectStorage: decideIf(
      (value) => isTable(value) && isOn(value["enable"]),
      "there is no gateway for object storage: clients have to ask the object storage itself",
    ),
    "server.grpc.listen": becomes("server.grpc.listenIP"),
    "server.rest.publicPath": gone("the console is part of the program"),
    "database.mysql.tls.ca": sqlAuthority,
    "database.mysql.tlsConfig": (value) =>
      value === "preferred"
        ? [{ kind: "decide", what: "whether the database is spoken to in TLS: write true, false or skip-verify" }]
        : [{ kind: "becomes", key: "database.mysql.tlsConfig", value }],
  },
};
