import type { Runtime } from "../../runtime/runtime.ts";
import type { ImageArgs, Images } from "../jobs/images.ts";
import type { SchedulerCalls } from "../jobs/scheduler_calls.ts";
import type { JobRunner } from "../rest/job_runner.ts";
import { Seal } from "../seal.ts";
import type { Store } from "../store/store.ts";
import type { Arrivals } from "./arrivals.ts";
import { WARM_PURPOSE, WarmArgs } from "./warm_args.ts";
import { WarmHosts } from "./warm_hosts.ts";
import { WarmImages } from "./warm_images.ts";

/** What warming needs of a manager. */
export interface WarmingOptions {
  readonly store: Store;
  readonly jobs: JobRunner;
  readonly calls: Pick<SchedulerCalls, "hosts">;
  readonly images: Pick<Images, "digest">;
  readonly arrivals: Arrivals;
  /** The secret that all managers of the database share. */
  readonly key: string;
}

/** Keeps images warm until `stack` is disposed; gives what reads and writes their arguments. */
export function startWarming(
  { key, images, ...parts }: WarmingOptions,
  runtime: Runtime,
  stack: AsyncDisposableStack,
): WarmArgs {
  const args = new WarmArgs(new Seal({ key, purpose: WARM_PURPOSE, random: runtime.random }));
  const digestOf = (args: unknown, signal: AbortSignal) => images.digest(args as ImageArgs, signal);
  stack.use(new WarmImages({ ...runtime, ...parts, args, digestOf }));
  stack.use(new WarmHosts({ ...runtime, ...parts, args }));
  return args;
}
