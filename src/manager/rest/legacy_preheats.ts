import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { Job } from "../store/jobs.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import { IdParams, timeJson } from "./fields.ts";
import { parseJobArgs } from "./job_args.ts";
import { type Access, type Route, route } from "./route.ts";

/** How the old API of preheats is served. */
export interface LegacyPreheats {
  /** Whether only personal access tokens with scope job open it. */
  readonly requireToken: boolean;
}

/** Arguments are checked as those of a job. What else Harbor sends of the image is in its URL. */
const argument = z.unknown().optional();
const Order = z.object({ type: argument, url: argument, headers: argument, filteredQueryParams: argument });
const Made = z.object({ id: z.string() });
const Shown = z.object({
  id: z.string(),
  status: z.enum(["WAITING", "RUNNING", "SUCCESS", "FAIL"]),
  startTime: z.string(),
  finishTime: z.string().optional(),
  errorMsg: z.string().optional(),
});

/**
 * The API of preheats that managers had up to 2.1, for Harbors before 2.12 (manager-rest.md §5.2). None is answered with
 * 208, "has been preheated": whether it still is only its hosts know, and they are quick to say so.
 */
export function legacyPreheatRoutes(options: RestOptions, { requireToken }: LegacyPreheats): Route[] {
  const { jobs, store } = options;
  const access: Access = requireToken ? { kind: "token", scope: "job" } : { kind: "public" };
  return [
    route({
      ...{ method: "GET", path: "/_ping", access: { kind: "public" } },
      ...{ summary: "Say that the manager is there", reply: z.string() },
    }, () => Promise.resolve("OK")),
    route({
      ...{ method: "POST", path: "/preheats", access, summary: "Order a preheat, as old Harbors do" },
      ...{ body: Order, reply: Made },
    }, async ({ body, caller, signal }) => {
      const args = parseJobArgs("preheat", body);
      const userId = caller.kind === "token" ? caller.token.userId : 0;
      const job = await jobs.start({ type: "preheat", bio: "", userId, args, schedulerClusterIds: [] }, signal);
      if ("id" in job) return { id: String(job.id) };
      throw new DamselflyError("internal", "A preheat has an answer at once");
    }),
    route({
      ...{ method: "GET", path: "/preheats/:id", access, summary: "Show a preheat, as old Harbors read it" },
      ...{ params: IdParams, reply: Shown },
    }, async ({ params: { id } }) => {
      const job = await store.jobs.get(id);
      return shown(existing(job?.type === "preheat" ? job : undefined, "preheat", id));
    }),
  ];
}

function shown({ id, state, result, createdAtMs, updatedAtMs }: Job): z.input<typeof Shown> {
  const isOver = state === "SUCCESS" || state === "FAILURE";
  const began = Object.keys(result).length > 0;
  const errors = errorsOf(result["job_states"]);
  return {
    id: String(id),
    status: state === "SUCCESS" ? state : isOver ? "FAIL" : began ? "RUNNING" : "WAITING",
    startTime: timeJson(createdAtMs),
    ...(isOver && { finishTime: timeJson(updatedAtMs) }),
    ...(errors !== "" && { errorMsg: errors }),
  };
}

/** Why parts of a job failed, as their rows say. */
function errorsOf(states: unknown): string {
  const errors = (Array.isArray(states) ? states : []).map((state: { readonly error?: unknown }) => state?.error);
  return errors.filter((error) => typeof error === "string" && error !== "").join("; ");
}
