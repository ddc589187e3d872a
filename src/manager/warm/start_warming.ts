import { findImageDigest } from "../../oci/image_digest.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { SchedulerCalls } from "../jobs/scheduler_calls.ts";
import type { PreheatArgs } from "../rest/job_args.ts";
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
  readonly calls: SchedulerCalls;
  readonly arrivals: Arrivals;
  /** The secret that all managers of the database share. */
  readonly key: string;
}

/** Keeps images warm until `stack` is disposed; gives what reads and writes their arguments. */
export function startWarming(
  { key, ...parts }: WarmingOptions,
  runtime: Runtime,
  stack: AsyncDisposableStack,
): WarmArgs {
  const { fetch, clock, random } = runtime;
  const args = new WarmArgs(new Seal({ key, purpose: WARM_PURPOSE, random }));
  const digestOf = (args: unknown, signal: AbortSignal) => {
    const { url = "", headers = {}, username = "", password = "" } = args as PreheatArgs;
    const credentials = username === "" && password === "" ? undefined : { username, password };
    return findImageDigest({ url, headers, credentials }, { fetch, clock }, signal);
  };
  stack.use(new WarmImages({ ...runtime, ...parts, args, digestOf }));
  stack.use(new WarmHosts({ ...runtime, ...parts, args }));
  return args;
}
