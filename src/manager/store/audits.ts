import type { JsonObject } from "./records.ts";
import type { Identified, Readable } from "./repository.ts";

/** Who did what, when, and what came of it. */
export interface AuditInput {
  readonly actorType: "UNKNOWN" | "USER" | "PAT";
  readonly actorName: string;
  readonly eventType: string;
  /** The HTTP method. */
  readonly operation: string;
  readonly operatedAtMs: number;
  readonly state: "SUCCESS" | "FAILURE";
  /** Without its query, which may hold a token. */
  readonly path: string;
  readonly statusCode: number;
  readonly detail: JsonObject;
}

/** A stored audit. */
export interface Audit extends AuditInput, Identified {}

/** Which audits to list. */
export type AuditFilter = Partial<
  Pick<Audit, "actorType" | "actorName" | "eventType" | "operation" | "state" | "path" | "statusCode">
>;

/** Audits; lists begin with the newest. */
export interface AuditStore extends Readable<Audit, AuditFilter> {
  /** Stores many at once. */
  add(audits: readonly AuditInput[]): Promise<void>;
  /** Removes at most `limit` audits of before `beforeMs`; how many. */
  removeBefore(beforeMs: number, limit: number): Promise<number>;
}
