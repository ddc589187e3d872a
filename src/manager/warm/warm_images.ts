import { inParallel } from "../../core/in_parallel.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";
import type { Random } from "../../runtime/random.ts";
import type { JobRunner } from "../rest/job_runner.ts";
import type { JsonObject } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import type { WarmImage } from "../store/warm_images.ts";
import { begun, checked, claimed, looked, type Moment, postponed, refused, stepOf } from "./image_steps.ts";
import { jobOutcomeOf, shownError } from "./job_outcome.ts";
import { Rounds } from "./rounds.ts";
import type { WarmArgs } from "./warm_args.ts";

const ROUND_INTERVAL_MS = 2_000;
/** Warm images that are looked at in one round, and at a time. */
const DUE_MAX = 100;
const AT_ONCE = 8;
/** Warm images that have a job under way, all managers together; the others wait. */
const RUNS_MAX = 20;
/** How long a registry may take to say what a tag is. */
const CHECK_TIMEOUT_MS = 60_000;

/** What {@link WarmImages} work with. */
export interface WarmImagesOptions {
  readonly store: Pick<Store, "warmImages" | "jobs">;
  readonly jobs: Pick<JobRunner, "start">;
  readonly args: Pick<WarmArgs, "open">;
  /** The digest that the tag of a preheat's arguments has now. */
  readonly digestOf: (args: JsonObject, signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Runs warm images when their time comes, or when their tag has another digest. Several managers may share a store. */
export class WarmImages implements AsyncDisposable {
  readonly #options: WarmImagesOptions;
  readonly #rounds: Rounds;
  readonly #runs: Counter;
  readonly #checks: Counter;

  constructor(options: WarmImagesOptions) {
    this.#options = options;
    const prefix = "damselfly_manager_warm_image";
    this.#runs = options.metrics.counter(`${prefix}_runs_total`, "Runs of warm images, by what became of them.", [
      "result",
    ]);
    this.#checks = options.metrics.counter(`${prefix}_checks_total`, "Questions for tags that are followed.", [
      "result",
    ]);
    this.#rounds = new Rounds(options.clock, ROUND_INTERVAL_MS, () => this.#lookAtAll());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rounds[Symbol.asyncDispose]();
  }

  async #lookAtAll(): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      const due = await store.warmImages.due(clock.wallMs(), DUE_MAX);
      for await (const _ of inParallel(due, AT_ONCE, ({ id }) => this.#lookAt(id)));
    } catch (error) {
      log.error("Warm images could not be looked at", { error });
    }
  }

  async #lookAt(id: number): Promise<void> {
    const { store, clock, log } = this.#options;
    const { warmImages } = store;
    try {
      if (this.#rounds.signal.aborted) return;
      const mine = await warmImages.change(id, (image) => claimed(image, clock.wallMs()));
      if (mine === undefined) return; // another manager was faster
      const outcome = mine.jobId === 0 ? undefined : jobOutcomeOf(await store.jobs.get(mine.jobId));
      const image = await this.#change(id, (image, moment) => looked(image, outcome, moment));
      if (image === undefined) return;
      this.#count(mine, image);
      await this.#go(image);
    } catch (error) {
      log.error("A warm image could not be looked at; it is again in some minutes", { id, error });
    }
  }

  /** Does what is to be done now. */
  async #go(image: WarmImage): Promise<void> {
    const step = stepOf(image, this.#options.clock.wallMs());
    if (step === "run") return await this.#run(image);
    if (step !== "check") return;
    const after = await this.#check(image);
    if (after !== undefined && stepOf(after, this.#options.clock.wallMs()) === "run") await this.#run(after);
  }

  async #check(image: WarmImage): Promise<WarmImage | undefined> {
    const { args, digestOf, clock, log } = this.#options;
    let outcome: { readonly digest: string } | { readonly error: string };
    try {
      using limit = clock.deadline(CHECK_TIMEOUT_MS);
      const signal = AbortSignal.any([limit.signal, this.#rounds.signal]);
      outcome = { digest: await digestOf(args.open(image), signal) };
    } catch (error) {
      if (this.#rounds.signal.aborted) return await this.#letGo(image);
      outcome = { error: shownError(error) };
      log.warn("The tag of a warm image could not be asked for; the registry is asked again later", {
        ...{ id: image.id, name: image.name, failures: image.checkFailures + 1, error },
      });
    }
    const result = "error" in outcome ? "failed" : outcome.digest === image.seenDigest ? "unchanged" : "changed";
    this.#checks.inc({ result });
    return await this.#change(image.id, (now, moment) => checked(now, outcome, moment));
  }

  async #run(image: WarmImage): Promise<void> {
    const { store, jobs, args, log } = this.#options;
    const { id, name, userId, schedulerClusterIds } = image;
    if (await store.warmImages.countRunning() >= RUNS_MAX) {
      await this.#change(id, (_, moment) => postponed(moment));
      return;
    }
    try {
      const order = { type: "preheat", bio: `Warm image ${name}`, userId, schedulerClusterIds };
      const job = await jobs.start({ ...order, args: args.open(image) }, this.#rounds.signal);
      if ("answer" in job) throw new Error("a preheat is a job");
      await this.#change(id, (now, moment) => begun(now, job.id, moment));
      this.#runs.inc({ result: "begun" });
      log.info("A warm image is run", { id, name, jobId: job.id, digest: image.seenDigest });
    } catch (error) {
      if (this.#rounds.signal.aborted) return void await this.#letGo(image);
      await this.#change(id, (now, moment) => refused(now, shownError(error), moment));
      this.#runs.inc({ result: "refused" });
      log.warn("A warm image could not be run; it is tried again later", { id, name, error });
    }
  }

  /** Leaves a warm image to the managers that stay. */
  async #letGo({ id }: WarmImage): Promise<undefined> {
    await this.#change(id, (_, { nowMs }) => ({ dueAtMs: nowMs }));
  }

  #change(id: number, decide: (image: WarmImage, moment: Moment) => Partial<WarmImage>) {
    const { store, clock, random } = this.#options;
    return store.warmImages.change(id, (image) => decide(image, { nowMs: clock.wallMs(), random }));
  }

  /** Tells what a look at a job has shown. */
  #count(before: WarmImage, { id, name, skipped, jobId, lastState, runError }: WarmImage): void {
    const { log } = this.#options;
    if (skipped > before.skipped) {
      this.#runs.inc({ result: "skipped" });
      log.warn("A run of a warm image is left out, for the one before still runs", { id, name, jobId });
    }
    if (before.jobId === 0 || jobId !== 0) return;
    this.#runs.inc({ result: lastState === "SUCCESS" ? "succeeded" : "failed" });
    if (lastState === "FAILURE") {
      log.warn("A run of a warm image has failed", { id, name, jobId: before.jobId, error: runError });
    }
  }
}
