import assert from "node:assert/strict";
import type { Fetch } from "../runtime/runtime.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { RegistryAccess } from "./registry_access.ts";

Deno.test("a registry on a port that fetch refuses is asked all the same", async () => {
  const asked: string[] = [];
  const fetch: Fetch = (input) => {
    asked.push(String(input));
    return Promise.resolve(new Response());
  };
  using registries = new RegistryAccess({
    ...{ runtime: testRuntime({ fetch }), allowed: [], key: "a.key", isOnLoopback: true },
  });
  const ask = registries.fetch({ authorities: [] });
  await ask("http://127.0.0.1:5000/v2/");
  // Nobody need be there: what matters is who is asked.
  await ask("http://127.0.0.1:6669/v2/").then((response) => response.body?.cancel(), () => {});
  assert.deepEqual(asked, ["http://127.0.0.1:5000/v2/"]);
});
