import * as z from "zod";
import { DfdaemonConfig } from "../dfdaemon.ts";
import { DfinitConfig } from "../dfinit.ts";
import { choice, flag, hostPort, int, list, port, section, text, textMap } from "../fields.ts";
import { ManagerConfig } from "../manager.ts";
import { SchedulerConfig } from "../scheduler.ts";
import {
  additions,
  image,
  metrics,
  persistence,
  placement,
  podDisruptionBudget,
  probe,
  resources,
  rollout,
  security,
  service,
} from "./kubernetes.ts";
import { OLD_IMAGE_KEYS, OLD_TABLES } from "./old_layout.ts";

/** An unprivileged user that is in no image's list of users. */
const USER = 65532;
const NO_RIGHTS = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
};
const UNPRIVILEGED = {
  runAsNonRoot: true,
  runAsUser: USER,
  runAsGroup: USER,
  fsGroup: USER,
  seccompProfile: { type: "RuntimeDefault" },
};
/** Root without its rights: it owns the folders of the node that it writes to. */
const ROOT_OF_NODE = { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: "RuntimeDefault" } };

const PROBES = {
  startupProbe: probe("Whether the container has started", { periodSeconds: 1, failureThreshold: 120 }),
  livenessProbe: probe("Whether the container lives", { periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 8 }),
  readinessProbe: probe("Whether the container is ready", { periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 }),
};

function names(name: string) {
  return {
    name: text().default(name).describe("Last part of the names of all objects of this component."),
    nameOverride: z.string().default("").meta({ type: "text" }).describe("The same; it wins over name."),
    fullnameOverride: z.string().default("").meta({ type: "text" }).describe("Whole name of its objects."),
  };
}

/** The file of a component: keys of its schema, of which the comments and `values.schema.json` are made. */
function config(schema: z.ZodObject, file: string) {
  return {
    config: schema.optional().describe(
      `${file}: any of its keys may be written here, and wins over what the chart makes of its other values.`,
    ),
    existingConfigSecret: z.string().default("").meta({ type: "text" }).describe(
      `Name of a Secret with a key ${file}, which takes the place of config as a whole.`,
    ),
  };
}

const initContainer = z.record(z.string(), z.unknown()).default({}).meta({
  type: "map",
  ignored: "no container waits for another component",
}).describe("Image and resources of containers that wait.");

const common = { ...placement, ...additions, ...PROBES, ...OLD_IMAGE_KEYS };

const manager = section({
  enable: flag().default(true).describe("Run a manager; false where there is one elsewhere, see externalManager."),
  ...names("manager"),
  replicas: int(1).default(1).describe("Pods; more than one need mysql or externalMysql, as SQLite belongs to one."),
  image: image("damselfly/manager"),
  hostNetwork: flag().default(false).describe("Use the network of the node."),
  restPort: port().default(8080).describe("Port of the console and REST API."),
  grpcPort: port().default(65003).describe("Port for schedulers and peers."),
  resources: resources("50m", "128Mi", { memory: "2Gi" }),
  ...rollout("deploymentAnnotations", {}),
  ...security(UNPRIVILEGED, NO_RIGHTS),
  ...common,
  persistence: persistence("the database, where it is SQLite,", "8Gi"),
  initialRootPassword: section({
    existingSecret: z.string().default("").meta({ type: "text" }).describe(
      "Secret with a key password, the first password of root; left empty, the chart makes one by chance and keeps it.",
    ),
  }, "The password that root signs in with until it is changed; it counts when the database is made."),
  service: service("of the console, the REST API and gRPC"),
  podDisruptionBudget: podDisruptionBudget(1),
  ingress: section({
    enable: flag().default(false).describe("Make an Ingress for the console and REST API."),
    className: z.string().default("").meta({ type: "text" }).describe("Class of the Ingress."),
    annotations: textMap().default({}).describe("Annotations of the Ingress."),
    path: text("URL path").default("/").describe("Path of the console."),
    pathType: choice("Prefix", "ImplementationSpecific", "Exact").default("ImplementationSpecific").describe(
      "How the path is compared.",
    ),
    hosts: list(text("host")).default([]).describe("Names of the console."),
    tls: list(z.record(z.string(), z.unknown())).default([]).describe("Certificates, in Kubernetes' form."),
  }, "An Ingress for the console."),
  metrics: metrics({}),
  initContainer,
  ...config(ManagerConfig, "manager.yaml"),
}, "The manager: clusters, users and settings, for schedulers and peers of all clusters.");

const scheduler = section({
  enable: flag().default(true).describe("Run schedulers."),
  ...names("scheduler"),
  replicas: int(1).default(3).describe("Pods; tasks are shared among them."),
  image: image("damselfly/scheduler"),
  hostNetwork: flag().default(false).describe("Use the network of the node."),
  containerPort: port().default(8002).describe("Port of the scheduler."),
  resources: resources("100m", "128Mi", { memory: "8Gi" }),
  ...rollout("statefulsetAnnotations", {}),
  ...security(UNPRIVILEGED, NO_RIGHTS),
  ...common,
  service: service("of the schedulers"),
  podDisruptionBudget: podDisruptionBudget(1),
  metrics: metrics({
    enableHost: flag().default(false).describe("Traffic of each host as a series of its own."),
  }),
  initContainer,
  ...config(SchedulerConfig, "scheduler.yaml"),
}, "The schedulers of this cluster: they decide who gets pieces from whom.");

const seedClient = section({
  enable: flag().default(true).describe("Run seed peers."),
  ...names("seed-client"),
  replicas: int(1).default(3).describe("Pods."),
  image: image("damselfly/client"),
  hostNetwork: flag().default(false).describe("Use the network of the node."),
  resources: resources("100m", "128Mi", { memory: "8Gi" }),
  ...rollout("statefulsetAnnotations", {}),
  ...security(UNPRIVILEGED, NO_RIGHTS),
  ...common,
  persistence: persistence("what was downloaded", "100Gi"),
  service: service("of the seed peers"),
  podDisruptionBudget: podDisruptionBudget(1),
  metrics: metrics({}),
  initContainer,
  ...config(DfdaemonConfig, "dfdaemon.yaml"),
}, "Seed peers, which are the first to download from a registry.");

const dfinit = section({
  enable: flag().default(false).describe("Point the container runtime of each node at its peer."),
  image: image("damselfly/dfinit"),
  resources: resources("10m", "64Mi", { memory: "512Mi" }),
  restartContainerRuntime: flag().default(true).describe(
    "Restart a container runtime whose own file was changed; once, and without waiting. Otherwise somebody has to.",
  ),
  restore: section({
    enable: flag().default(true).describe(
      "Bring back what was before on all nodes when the release is uninstalled, and remove what peers kept there.",
    ),
    timeoutSeconds: int(1, 3600).default(300).describe("Longest wait for all nodes, in seconds."),
  }, "What happens to nodes when the release is uninstalled."),
  config: DfinitConfig.optional().describe(
    "dfinit.yaml: any of its keys may be written here. Without a container runtime it is containerd: {}.",
  ),
}, "Editing the configuration of container runtimes, in an init container of each client.");

const client = section({
  enable: flag().default(true).describe("Run a peer on each node."),
  ...names("client"),
  image: image("damselfly/client"),
  hostNetwork: flag().default(true).describe("Use the network of the node; otherwise its ports lead to the pod."),
  hostPID: flag().default(false).describe("See the processes of the node; nothing of ours needs it."),
  hostIPC: flag().default(false).describe("Share memory with processes of the node; nothing of ours needs it."),
  resources: resources("100m", "128Mi", { memory: "8Gi" }),
  ...rollout("daemonsetAnnotations", {
    type: "RollingUpdate",
    rollingUpdate: { maxSurge: 0, maxUnavailable: "20%" },
  }),
  statefulsetAnnotations: z.record(z.string(), z.unknown()).optional().meta({
    type: "map",
    ignored: "it is a DaemonSet: write daemonsetAnnotations",
  }).describe("Annotations of a StatefulSet."),
  ...security(ROOT_OF_NODE, NO_RIGHTS),
  ...common,
  storage: section({
    hostPath: z.string().default("/var/lib/dragonfly").meta({ type: "path" }).describe(
      "Folder of the node for what was downloaded; left empty, it ends with its pod.",
    ),
  }, "Where the peers of nodes keep what they downloaded."),
  topology: section({
    enable: flag().default(false).describe(
      "Tell schedulers the region and zone that labels of the nodes name, where host.idc and host.location do not.",
    ),
  }, "Places of nodes; the pods may read nodes then, which is a ClusterRole."),
  metrics: metrics({}),
  initContainer,
  dfinit,
  ...config(DfdaemonConfig, "dfdaemon.yaml"),
}, "The peer of each node: the mirror of its container runtime.");

const redisTls = z.record(z.string(), z.unknown());

const mysqlImage = image("mysql", "8.4");
const redisImage = image("redis", "7.4");

/** Every value of the chart, with Dragonfly's names; `config` of a component has the keys of its own file. */
export const ChartValues = z.strictObject({
  nameOverride: z.string().default("").meta({ type: "text" }).describe("Name of the chart in names of objects."),
  fullnameOverride: z.string().default("").meta({ type: "text" }).describe("First part of the names of all objects."),
  namespaceOverride: z.string().default("").meta({ type: "text" }).describe(
    "Namespace of all objects; left empty, that of the release.",
  ),
  clusterDomain: text("domain").default("cluster.local").describe("Domain of the cluster's names."),
  global: section({
    imageRegistry: z.string().default("").meta({ type: "registry host" }).describe(
      "Registry of all images, instead of their own.",
    ),
    imagePullSecrets: list(z.unknown()).default([]).meta({ type: "list of Secrets" }).describe(
      "Secrets with passwords of registries.",
    ),
    nodeSelector: z.record(z.string(), z.unknown()).default({}).meta({ type: "map" }).describe(
      "Labels of the nodes that all pods may be put on.",
    ),
    storageClass: z.string().default("").meta({ type: "text" }).describe("Class of all volumes."),
  }, "What holds for all components."),
  networkPolicy: section({
    enable: flag().default(true).describe("Let nobody reach other ports of the pods than those that are meant to be."),
  }, "Network policies."),
  manager,
  scheduler,
  seedClient,
  client,
  externalManager: section({
    enable: flag().default(false).describe(
      "There is a manager elsewhere; it is so with manager.enable: false in any case.",
    ),
    host: z.string().default("").meta({ type: "host" }).describe("Name or address of the manager."),
    restPort: port().default(8080).describe("Port of its console and REST API."),
    grpcPort: port().default(65003).describe("Port for schedulers and peers."),
  }, "A manager elsewhere; it is used when manager.enable is false."),
  mysql: section({
    enable: flag().default(false).describe("Run MySQL for the manager, in a pod of its own, instead of SQLite."),
    image: mysqlImage,
    auth: section({
      username: text().default("dragonfly").describe("User of the manager."),
      password: z.string().default("").meta({ type: "text" }).describe("Its password; left empty, one by chance."),
      rootPassword: z.string().default("").meta({ type: "text" }).describe(
        "Password of root; left empty, one by chance.",
      ),
      database: text().default("manager").describe("Name of the database."),
    }, "Users of MySQL."),
    persistence: persistence("the database", "8Gi"),
    resources: resources("100m", "512Mi", { memory: "2Gi" }),
    nodeSelector: placement.nodeSelector,
    tolerations: placement.tolerations,
    migrate: flag().default(true).describe("Create and change tables at start."),
  }, "MySQL in a pod of this release."),
  externalMysql: section({
    migrate: flag().default(true).describe("Create and change tables at start."),
    host: z.string().default("").meta({ type: "host" }).describe("Name or address of MySQL or MariaDB."),
    username: text().default("dragonfly").describe("User of the manager."),
    password: z.string().default("").meta({ type: "text" }).describe("Its password."),
    database: text().default("manager").describe("Name of the database."),
    port: port().default(3306).describe("Port of MySQL."),
  }, "MySQL or MariaDB elsewhere; it is used when it has a host and mysql.enable is false."),
  redis: section({
    enable: flag().default(false).describe("Run Redis, in a pod of its own, for what several managers share."),
    image: redisImage,
    auth: section({
      enabled: flag().default(true).describe("Ask for a password."),
      password: z.string().default("").meta({ type: "text" }).describe("The password; left empty, one by chance."),
    }, "The password of Redis."),
    resources: resources("50m", "64Mi", { memory: "1Gi" }),
    nodeSelector: placement.nodeSelector,
    tolerations: placement.tolerations,
  }, "Redis in a pod of this release."),
  externalRedis: section({
    addrs: list(hostPort()).default([]).describe("Addresses of Redis, of a Redis Cluster, or of sentinels."),
    masterName: z.string().default("").meta({ type: "text" }).describe("Name of the master that the sentinels watch."),
    username: z.string().default("").meta({ type: "text" }).describe("User of Redis."),
    password: z.string().default("").meta({ type: "text" }).describe("Password of that user."),
    sentinelUsername: z.string().default("").meta({ type: "text" }).describe("User for the sentinels."),
    sentinelPassword: z.string().default("").meta({ type: "text" }).describe("Password for the sentinels."),
    db: int(0).default(0).describe("Redis database of what managers share."),
    brokerDB: int(0).default(1).describe("Redis database of the job queue."),
    backendDB: int(0).default(2).describe("Redis database of job results."),
    tls: redisTls.default({}).meta({ type: "database.redis.tls of manager.yaml" }).describe("TLS towards Redis."),
  }, "Redis elsewhere; it is used when it has addresses and redis.enable is false."),
  jaeger: section({
    enable: flag().default(false).describe("Run Jaeger, and send the traces of all components to it."),
    image: image("jaegertracing/jaeger", "2.10.0"),
    resources: resources("50m", "128Mi", { memory: "1Gi" }),
  }, "A collector of traces, to try things out: it forgets them with its pod."),
  extraObjects: list(z.unknown()).default([]).meta({ type: "list of objects" }).describe(
    "Objects of Kubernetes that belong to the release.",
  ),
  ...OLD_TABLES,
}).meta({ component: "values", file: "values.yaml" });

/** The tables of {@link ChartValues} that are files of components; a text says where the same keys stand already. */
export const EMBEDDED: Readonly<Record<string, z.ZodObject | string>> = {
  "manager.config": ManagerConfig,
  "scheduler.config": SchedulerConfig,
  "seedClient.config": "client.config",
  "client.config": DfdaemonConfig,
  "client.dfinit.config": DfinitConfig,
};

/** What the chart writes into those files unless it is told otherwise, and a person may want to change. */
export const WRITTEN: Readonly<Record<string, unknown>> = { console: true };
