import type { Attributes, SpanKind } from "../../runtime/tracing.ts";
import type { Job } from "../store/jobs.ts";
import type { JsonObject } from "../store/records.ts";

/** Of a list of URLs the first tells the job from others. */
const TEXT_LENGTH_MAX = 256;

/** A job as traces know it, under the names of Dragonfly (manager-rest.md §8.4). */
export function jobSpan({ type, taskId: groupId }: Job, args: JsonObject): {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
} {
  const url = textOf(args["url"]) ?? textOf(Array.isArray(args["urls"]) ? args["urls"][0] : undefined);
  const facts = type === "preheat"
    ? { "d7y.manager.preheat.type": textOf(args["type"]), "d7y.manager.preheat.url": url && withoutQuery(url) }
    : { [`d7y.manager.${type}.id`]: textOf(args["task_id"]) };
  return { name: type.replaceAll("_", "-"), kind: "producer", attributes: { ...facts, "d7y.manager.id": groupId } };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, TEXT_LENGTH_MAX) : undefined;
}

/** What stands behind the path may be a signature. */
function withoutQuery(url: string): string {
  const { protocol, host, pathname } = URL.parse(url) ?? {};
  return host === undefined ? "" : `${protocol}//${host}${pathname}`;
}
