import type { Change, Plan } from "../plan.ts";
import type { Route } from "./route.ts";

/** When a runtime notices that a file of its configuration changed. */
export type Notice = "at the next pull" | "after a reload" | "after a restart";

/** What is known of a file that dfinit wrote. */
export interface Written {
  /** The URL of the peer that was written. */
  readonly mirror: string;
  /** What the file held before dfinit; undefined when there was none, or nobody knows. */
  readonly original: string | undefined;
}

/** A container runtime of the node: what dfinit knows of its files. */
export interface Runtime {
  readonly name: string;
  /** The URL of the peer that it is to ask. */
  readonly mirror: string;
  /** The unit of systemd that runs it; undefined for one without a daemon. */
  readonly service: string | undefined;
  /** Where its configuration is, and where dfinit's record of it goes: a folder that is mounted in any case. */
  readonly folder: string;
  /** A file that the runtime makes when it starts; its time tells what the runtime has read. */
  readonly startMark: string | undefined;
  /**
   * What has to change so that it pulls through the peer; `previous` is the URL of the peer that an earlier run wrote.
   * Reads, and writes nothing.
   */
  plan(previous: string | undefined): Promise<Plan>;
  /**
   * Whom it asks for images of `registries`, and of those that its files name. Throws `RefusalError` for files that it
   * cannot read either.
   */
  routes(registries: readonly string[]): Promise<readonly Route[]>;
  /** Files in which ours is marked, and may be though no record tells of them. */
  candidates(): Promise<readonly string[]>;
  /**
   * The text of a file without what dfinit wrote into it; empty when nothing else is in it. Throws `invalid_argument`
   * or `failed_precondition` when it cannot be edited.
   */
  without(path: string, text: string, written: Written): string;
  /** When it notices a file, or one change of it. */
  noticed(path: string, change?: Change): Notice;
}
