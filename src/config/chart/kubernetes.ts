/** Values of the chart that are parts of Kubernetes' own objects, and go into those as they are written. */
import * as z from "zod";
import { choice, flag, int, list, section, text, textMap } from "../fields.ts";

/** A map that Kubernetes gives its meaning; the API server checks it. */
const map = (type: string) => z.record(z.string().min(1), z.unknown()).meta({ type });

const maps = (type: string) => list(map(type));

/** `image` of a component. */
export function image(repository: string, tag = "") {
  return section({
    registry: text("registry host").or(z.literal("")).default("docker.io").describe(
      "Registry of the image; an image name without one when it is empty.",
    ).meta({ type: "registry host" }),
    repository: text().default(repository).describe("Name of the image in its registry."),
    tag: z.string().default(tag).meta({ type: "text" }).describe(
      tag === "" ? "Tag of the image; left empty, the version that this chart is made for." : "Tag of the image.",
    ),
    digest: z.string().default("").meta({ type: "digest" }).describe("Digest of the image, which wins over the tag."),
    pullPolicy: choice("Always", "IfNotPresent", "Never").default("IfNotPresent").describe(
      "When nodes pull the image.",
    ),
    pullSecrets: list(map("map").or(z.string())).default([]).describe("Secrets with passwords of the registry."),
  }, "The image.");
}

/** What the chart asks for and allows of a container. */
export function resources(cpu: string, memory: string, limits: Readonly<Record<string, string>>) {
  const written = { requests: { cpu, memory }, limits };
  return map("Kubernetes' resources").default(written).describe("What the container needs, and what it may use.");
}

/** A probe of a container: its times, and how often it may fail. */
export function probe(what: string, times: Readonly<Record<string, number>>) {
  return map("Kubernetes' probe").default(times).describe(`${what}; enable: false leaves it out.`);
}

/** Where pods are put; every component has these. */
export const placement = {
  priorityClassName: z.string().default("").meta({ type: "text" }).describe("Priority class of the pods."),
  nodeSelector: textMap().default({}).describe("Labels of the nodes that pods may be put on."),
  tolerations: maps("toleration").default([]).describe("Taints of nodes that pods are put on all the same."),
  affinity: map("Kubernetes' affinity").default({}).describe("Near or far from what pods are put."),
  topologySpreadConstraints: maps("map").default([]).describe("How pods are spread."),
};

/** What can be added to pods; every component has these. */
export const additions = {
  hostAliases: maps("map").default([]).describe("Names and addresses in /etc/hosts of the pods."),
  podAnnotations: textMap().default({}).describe("Annotations of the pods."),
  podLabels: textMap().default({}).describe("Labels of the pods besides those of the chart."),
  extraEnvVars: maps("map").default([]).describe("Environment variables of the container."),
  extraVolumes: maps("map").default([]).describe("Volumes of the pods besides those of the chart."),
  extraVolumeMounts: maps("map").default([]).describe("Where they are mounted in the container."),
  terminationGracePeriodSeconds: int(0).optional().describe("Seconds that a pod may take to stop; 30 if left out."),
  maxProcs: z.union([int(1), z.literal("")]).default("").meta({
    type: "number",
    ignored: "it is for programs written in Go",
  }).describe("Threads of a program written in Go."),
};

/** The service before a component. */
export function service(what: string) {
  return section({
    type: choice("ClusterIP", "NodePort", "LoadBalancer").default("ClusterIP").describe("Kind of the service."),
    clusterIP: z.string().default("").meta({ type: "text" }).describe(
      "Address of the service; None for one without an address.",
    ),
    nodePort: z.union([int(1, 65535), z.literal("")]).default("").meta({ type: "port" }).describe(
      "Port on all nodes with type NodePort; left empty, Kubernetes chooses one.",
    ),
    labels: textMap().default({}).describe("Labels of the service."),
    annotations: textMap().default({}).describe("Annotations of the service."),
  }, `The service ${what}.`);
}

/** Prometheus metrics of a component, and who collects them. */
export function metrics<S extends z.core.$ZodLooseShape>(extra: S) {
  return section({
    enable: flag().default(true).describe(
      "Make a service for the metrics; manager and scheduler serve them only then.",
    ),
    service: section({
      type: choice("ClusterIP", "NodePort", "LoadBalancer").default("ClusterIP").describe("Kind of the service."),
      labels: textMap().default({}).describe("Labels of the service."),
      annotations: textMap().default({}).describe("Annotations of the service."),
    }, "The service of the metrics."),
    serviceMonitor: section({
      enable: flag().default(false).describe("Make a ServiceMonitor, which the Prometheus operator reads."),
      additionalLabels: textMap().default({}).describe("Labels by which the operator finds it."),
      interval: text("duration").default("30s").describe("Time between two collections."),
      scrapeTimeout: text("duration").default("10s").describe("Longest time of one collection."),
    }, "The Prometheus operator."),
    prometheusRule: section({
      enable: flag().default(false).describe("Make a PrometheusRule with the rules below."),
      additionalLabels: textMap().default({}).describe("Labels by which the operator finds it."),
      rules: maps("rule").default([]).describe("Alerts and recordings, in Prometheus' form."),
    }, "Alerts of the Prometheus operator."),
    ...extra,
  }, "Prometheus metrics.");
}

/** Who may be taken away at the same time, by those who empty nodes. */
export function podDisruptionBudget(maxUnavailable: string | number) {
  return section({
    enable: flag().default(true).describe("Make a PodDisruptionBudget, where there is more than one pod."),
    maxUnavailable: z.union([int(0), text()]).default(maxUnavailable).meta({ type: "number or percentage" }).describe(
      "Pods that may be away at the same time.",
    ),
  }, "What may be away while nodes are emptied.");
}

/** Rights of a pod and its container. */
export function security(
  pod: Readonly<Record<string, unknown>>,
  container: Readonly<Record<string, unknown>>,
) {
  return {
    podSecurityContext: map("Kubernetes' security context").default(pod).describe("Rights of the pod."),
    securityContext: map("Kubernetes' security context").default(container).describe("Rights of the container."),
  };
}

/** Annotations of the object that makes the pods, and how it changes them. */
export function rollout(annotations: string, strategy: Readonly<Record<string, unknown>>) {
  return {
    [annotations]: textMap().default({}).describe("Annotations of the object that makes the pods."),
    updateStrategy: map("Kubernetes' strategy").default(strategy).describe("How pods are exchanged for new ones."),
  };
}

/** A volume that is kept. */
export function persistence(what: string, size: string) {
  return section({
    enable: flag().default(true).describe(`Keep ${what} in a volume; otherwise it ends with its pod.`),
    size: text("size").default(size).describe("Size of the volume."),
    storageClass: z.string().default("").meta({ type: "text" }).describe(
      "Class of the volume; left empty, global.storageClass, or the one that the cluster takes by itself.",
    ),
    accessModes: list(text()).default(["ReadWriteOnce"]).describe("How the volume may be mounted."),
    annotations: textMap().default({}).describe("Annotations of the claim."),
    hostPath: map("hostPath").default({}).describe(
      "Keep it in a folder of the node instead, such as {path: /data, type: DirectoryOrCreate}; the pod runs as root then.",
    ),
  }, `Where ${what} is kept.`);
}
