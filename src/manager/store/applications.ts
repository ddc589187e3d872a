import type { ApplicationPriority } from "./records.ts";
import type { Identified, Repository } from "./repository.ts";

/** What an administrator says of an application. */
export interface ApplicationInput {
  readonly name: string;
  readonly url: string;
  readonly bio: string;
  readonly priority: ApplicationPriority;
  /** 0 when it belongs to nobody. */
  readonly userId: number;
}

/** A named user of the cluster with a download priority. */
export interface Application extends ApplicationInput, Identified {}

/** Which applications to list. */
export type ApplicationFilter = Partial<Pick<Application, "name" | "userId">>;

/** Applications with a priority. Names are given once. */
export interface ApplicationStore extends Repository<Application, ApplicationInput, ApplicationFilter> {
  /** All of them, by id. */
  all(): Promise<Application[]>;
}
