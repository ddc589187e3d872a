/** The files of components that are in rendered objects, read as the components read them. */
import type * as z from "zod";
import { DfdaemonConfig } from "../../../src/config/dfdaemon.ts";
import { DfinitConfig } from "../../../src/config/dfinit.ts";
import { type LoadedConfig, parseConfig } from "../../../src/config/load.ts";
import { ManagerConfig } from "../../../src/config/manager.ts";
import { SchedulerConfig } from "../../../src/config/scheduler.ts";
import { type KubernetesObject, objectOf } from "./helm.ts";

const SCHEMAS: Readonly<Record<string, z.ZodObject>> = {
  "manager.yaml": ManagerConfig,
  "scheduler.yaml": SchedulerConfig,
  "dfdaemon.yaml": DfdaemonConfig,
  "dfinit.yaml": DfinitConfig,
};

/** What the components make of every file in the objects, by `<object>/<file>`. Throws where one refuses its file. */
export function filesIn(objects: readonly KubernetesObject[]): Map<string, LoadedConfig<unknown>> {
  const files = new Map<string, LoadedConfig<unknown>>();
  for (const { kind, metadata, stringData, data } of objects) {
    if (kind !== "Secret" && kind !== "ConfigMap") continue;
    for (const [name, text] of Object.entries<string>(stringData ?? data ?? {})) {
      const schema = SCHEMAS[name];
      if (schema !== undefined) files.set(`${metadata.name}/${name}`, parseConfig(schema, text, name));
    }
  }
  return files;
}

const read = <S extends z.ZodObject>(schema: S, kind: string, name: string, file: string) =>
(
  objects: readonly KubernetesObject[],
): z.output<S> => {
  const { stringData, data } = objectOf(objects, kind, name);
  return parseConfig(schema, (stringData ?? data)[file], file).config;
};

export const managerIn = read(ManagerConfig, "Secret", "dragonfly-manager", "manager.yaml");
export const schedulerIn = read(SchedulerConfig, "Secret", "dragonfly-scheduler", "scheduler.yaml");
export const seedIn = read(DfdaemonConfig, "Secret", "dragonfly-seed-client", "dfdaemon.yaml");
export const clientIn = read(DfdaemonConfig, "Secret", "dragonfly-client", "dfdaemon.yaml");
export const dfinitIn = read(DfinitConfig, "ConfigMap", "dragonfly-dfinit", "dfinit.yaml");
