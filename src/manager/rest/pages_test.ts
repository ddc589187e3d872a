import assert from "node:assert/strict";
import fc from "fast-check";
import { linkHeader, parsePage } from "./pages.ts";

/** The page numbers of a Link header by relation. */
function targets(link: string): Record<string, number> {
  const found = [...link.matchAll(/<[^>]*[?&]page=(\d+)[^>]*>;rel=(\w+)/g)];
  return Object.fromEntries(found.map(([, page, relation]) => [relation, Number(page)]));
}

Deno.test("the links of a page stay within the list", () => {
  const natural = fc.integer({ min: 1, max: 1_000 });
  fc.assert(fc.property(natural, natural, fc.nat(5_000), (page, perPage, total) => {
    const { prev, next, first, last } = targets(linkHeader("http://m/x?name=a", { page, perPage }, total));
    assert.equal(first, 1);
    assert.equal(last, Math.ceil(total / perPage));
    assert.equal(prev, Math.max(1, page - 1));
    assert.equal(next, page < Math.ceil(total / perPage) ? page + 1 : page);
  }));
});

Deno.test("the links keep the rest of the query", () => {
  const link = linkHeader("http://m/api/v1/x?z=1&page=2&name=a%20b", { page: 2, perPage: 5 }, 11);
  assert.match(link, /^<\/api\/v1\/x\?name=a\+b&page=1&per_page=5&z=1>;rel=prev,/);
});

Deno.test("a page that is no number or out of range is refused by its name", () => {
  assert.deepEqual(parsePage({}), { page: 1, perPage: 10 });
  assert.deepEqual(parsePage({ page: "3", per_page: "10000000" }), { page: 3, perPage: 10_000_000 });
  for (const page of ["0", "-1", "1.5", "x", "", "99999999999"]) {
    assert.throws(() => parsePage({ page }), { code: "invalid_argument", message: /^page: / });
  }
  assert.throws(() => parsePage({ per_page: "10000001" }), { code: "invalid_argument", message: /^per_page: / });
});
