import * as z from "zod";
import { errorText } from "../../core/error.ts";
import { textWithoutSecrets } from "../rest/job_redaction.ts";
import { CANCELLED_BY } from "../jobs/job_worker.ts";
import type { Job } from "../store/jobs.ts";

const ERROR_CHARACTERS_MAX = 1_000;

/** How far a job is, as a warm image sees it. */
export interface JobOutcome {
  readonly state: "PENDING" | "SUCCESS" | "FAILURE";
  /** Why it failed; empty otherwise. */
  readonly error: string;
  /** Whether somebody removed or cancelled it. */
  readonly isUnwanted: boolean;
  /** Reasons of hosts that failed, by host name and address as {@link hostKey} writes them. */
  readonly failedHosts: ReadonlyMap<string, string>;
  /** Whether these are all hosts that failed. */
  readonly areAllListed: boolean;
}

/** The part of a job's result that is read here (manager-rest.md §4.5). */
const Result = z.object({
  job_states: z.array(z.object({
    error: z.string().default(""),
    results: z.array(z.object({
      failure_tasks: z.array(z.object({
        hostname: z.string().default(""),
        ip: z.string().default(""),
        description: z.string().default(""),
      })).default([]),
      failure_count: z.int().default(0),
    })).default([]),
  })).default([]),
});

const GONE: JobOutcome = {
  ...{ state: "FAILURE", error: "Its job was removed before it had ended", isUnwanted: true },
  ...{ failedHosts: new Map(), areAllListed: false },
};

/** A host, in one text. */
export function hostKey({ hostname, ip }: { readonly hostname: string; readonly ip: string }): string {
  return `${ip} ${hostname}`;
}

/** Why something failed, as it is stored and shown. */
export function shownError(error: unknown): string {
  return textWithoutSecrets(errorText(error)).slice(0, ERROR_CHARACTERS_MAX);
}

/** How far a job is; `undefined` stands for one that is not there any more. */
export function jobOutcomeOf(job: Pick<Job, "state" | "result"> | undefined): JobOutcome {
  if (job === undefined) return GONE;
  const isOver = job.state === "SUCCESS" || job.state === "FAILURE";
  const { data } = Result.safeParse(job.result);
  const tasks = data?.job_states ?? [];
  const results = tasks.flatMap((task) => task.results);
  const failures = results.flatMap((result) => result.failure_tasks);
  const error = tasks.map((task) => task.error).find((text) => text !== "") ?? "It does not say why";
  return {
    state: isOver ? job.state as "SUCCESS" | "FAILURE" : "PENDING",
    error: job.state === "FAILURE" ? error.slice(0, ERROR_CHARACTERS_MAX) : "",
    isUnwanted: error.startsWith(CANCELLED_BY),
    failedHosts: new Map(failures.map((failure) => [
      hostKey(failure),
      failure.description.slice(0, ERROR_CHARACTERS_MAX),
    ])),
    areAllListed: data !== undefined && results.every((result) => result.failure_count <= result.failure_tasks.length),
  };
}
