import type { Identified, Repository } from "./repository.ts";

/** A setting that lives in the database, such as `gc`. */
export interface ConfigInput {
  readonly name: string;
  /** Text; JSON for the settings that the manager itself reads. */
  readonly value: string;
  readonly bio: string;
  /** 0 when it belongs to nobody. */
  readonly userId: number;
}

/** A stored setting. */
export interface Config extends ConfigInput, Identified {}

/** Which settings to list. */
export type ConfigFilter = Partial<Pick<Config, "name" | "value" | "userId">>;

/** Settings. Names are given once. */
export interface ConfigStore extends Repository<Config, ConfigInput, ConfigFilter> {
  findByName(name: string): Promise<Config | undefined>;
}
