import assert from "node:assert/strict";
import { HOUR_MS, startRest } from "./start_rest_test.ts";

const PATH = "/api/v1/session";

Deno.test("a session says who has it and what he may do", async () => {
  await using rest = await startRest();
  const root = await rest.json("GET", PATH);
  assert.equal(root.user.name, "root");
  assert.ok(root.permissions.some((right: unknown) => JSON.stringify(right) === '{"object":"users","action":"*"}'));
  assert.deepEqual([root.has_default_password, root.must_change_password], [false, false]);
  const { token } = await rest.guest();
  const guest = await rest.json("GET", PATH, { token });
  assert.equal(guest.user.name, "visitor");
  assert.ok(guest.permissions.every(({ action }: { readonly action: string }) => action === "read"));
});

Deno.test("nobody's session is no error, and neither is one that has ended", async () => {
  await using rest = await startRest({ openSignUp: false });
  const { token } = await rest.guest();
  rest.clock.jump(3 * HOUR_MS);
  for (const nobody of [null, "garbage", token]) {
    const session = await rest.json("GET", PATH, { token: nobody });
    assert.deepEqual([session.user, session.permissions, session.open_sign_up], [null, [], false]);
  }
});

Deno.test("root with the password that everybody knows is told to change it, and may do nothing until then", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly" });
  const elsewhere = await rest.json("GET", PATH);
  assert.deepEqual([elsewhere.has_default_password, elsewhere.must_change_password], [true, true]);
  assert.deepEqual([elsewhere.user.name, elsewhere.permissions], ["root", []]);
  const here = await rest.json("GET", PATH, { from: "127.0.0.1" });
  assert.deepEqual([here.has_default_password, here.must_change_password], [true, false]);
  assert.ok(here.permissions.length > 0);
  await using trusting = await startRest({ initialPassword: "dragonfly", allowDefaultPassword: true });
  assert.equal((await trusting.json("GET", PATH)).must_change_password, false);
});
