import * as z from "zod";
import { parseInput } from "./body.ts";

const PER_PAGE_DEFAULT = 10;
const PER_PAGE_MAX = 10_000_000;
const PAGE_MAX = 1_000_000_000;

const whole = (max: number) =>
  z.string().regex(/^\d{1,10}$/, "expected a whole number").transform(Number).pipe(z.int().min(1).max(max));

const PageQuery = z.object({
  page: whole(PAGE_MAX).default(1),
  per_page: whole(PER_PAGE_MAX).default(PER_PAGE_DEFAULT),
});

/** One page of a list. */
export interface Page {
  readonly page: number;
  readonly perPage: number;
}

/** Reads `page` and `per_page`. Fails with `invalid_argument`. */
export function parsePage(query: Readonly<Record<string, string>>): Page {
  const { page, per_page: perPage } = parseInput(PageQuery, query);
  return { page, perPage };
}

/**
 * The `Link` header of a page, which alone tells how many there are. Written as the console reads it: no quotes, no
 * spaces, all four relations always there (manager-rest.md §0).
 */
export function linkHeader(url: string, { page, perPage }: Page, total: number): string {
  const last = Math.ceil(total / perPage);
  const { pathname, searchParams } = new URL(url);
  const link = (target: number, relation: string) => {
    searchParams.set("page", String(target));
    searchParams.set("per_page", String(perPage));
    searchParams.sort();
    return `<${pathname}?${searchParams}>;rel=${relation}`;
  };
  return [
    link(Math.max(1, page - 1), "prev"),
    link(page < last ? page + 1 : page, "next"),
    link(1, "first"),
    link(last, "last"),
  ].join(",");
}
