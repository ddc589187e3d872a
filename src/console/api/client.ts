import createClient from "openapi-fetch";
import type { components, paths } from "./gen/schema.ts";
import { lastPage } from "./last_page.ts";

/** What the manager's API takes and gives, by the names of its OpenAPI document. */
export type Schemas = components["schemas"];

/** The manager's API; the session is a cookie, which scripts cannot read. */
export const api = createClient<paths>({ credentials: "same-origin" });

/** Where a row is: as all routes of one row take it. */
export function idPath(id: string | number) {
  return { params: { path: { id: String(id) } } };
}

/** Why the manager refused something, in its own words. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether nobody is signed in any more; what a role does not allow is a 401 too, with another text. */
  get isSignedOut(): boolean {
    return this.status === 401 && this.message === "Unauthorized";
  }
}

interface Answered<T> {
  readonly data?: T | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

/** The content of an answer. Throws {@link ApiError} for one that is no success. */
export async function dataOf<T>(call: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw new ApiError(response.status, messageOf(error) ?? `HTTP ${response.status}`);
}

/** A page of a list, and how many pages there are. */
export interface Paged<T> {
  readonly rows: readonly T[];
  readonly pages: number;
}

/** {@link dataOf} for a list. */
export async function pageOf<T>(call: Promise<Answered<T[]>>): Promise<Paged<T>> {
  const answered = await call;
  const rows = await dataOf(Promise.resolve(answered));
  return { rows, pages: lastPage(answered.response.headers.get("link")) };
}

/** How many rows a list has, by asking for pages of one row. */
export async function countOf(call: Promise<Answered<unknown[]>>): Promise<number> {
  return (await pageOf(call)).pages;
}

function messageOf(error: unknown): string | undefined {
  if (typeof error === "string" && error !== "") return error;
  const { message, errors } = (error ?? {}) as { readonly message?: unknown; readonly errors?: unknown };
  return [message, errors].find((text): text is string => typeof text === "string" && text !== "");
}
