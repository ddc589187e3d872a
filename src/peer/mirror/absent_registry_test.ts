import assert from "node:assert/strict";
import { Challenges } from "./absent_registry.ts";

const REGISTRY = new URL("https://reg.corp");
const asked = (headers: Record<string, string> = {}) => new Request("http://127.0.0.1:4001/v2/", { headers });

function refusal(challenge: string, status = 401): Response {
  return new Response(null, { status, headers: { "www-authenticate": challenge } });
}

Deno.test("what a registry asked for is asked for in its place, of whoever sends nothing", () => {
  const challenges = new Challenges();
  assert.equal(challenges.answer(REGISTRY, asked()), undefined);
  challenges.learn(REGISTRY, refusal('Basic realm="r"'));
  const answer = challenges.answer(REGISTRY, asked());
  assert.deepEqual([answer?.status, answer?.headers.get("www-authenticate")], [401, 'Basic realm="r"']);
  assert.equal(challenges.answer(REGISTRY, asked({ authorization: "Basic x" })), undefined);
  assert.equal(challenges.answer(new URL("https://other.corp"), asked()), undefined);
});

Deno.test("tokens cannot be asked for in a registry's place, nor what is no refusal, nor what is too long", () => {
  const challenges = new Challenges();
  const others = [
    refusal('Bearer realm="https://t"'),
    refusal('Basic realm="r"', 403),
    new Response(null, { status: 401 }),
  ];
  for (const answer of [...others, refusal(`Basic realm="${"r".repeat(5_000)}"`)]) challenges.learn(REGISTRY, answer);
  assert.equal(challenges.answer(REGISTRY, asked()), undefined);
});

Deno.test("registries that requesters make up do not fill the memory", () => {
  const challenges = new Challenges();
  const challenge = `Basic realm="${"r".repeat(4_000)}"`;
  challenges.learn(REGISTRY, refusal(challenge));
  for (let n = 0; n < 300; n++) challenges.learn(new URL(`https://r${n}.corp`), refusal(challenge));
  assert.equal(challenges.answer(REGISTRY, asked()), undefined, "as many as a megabyte has room for");
  assert.notEqual(challenges.answer(new URL("https://r299.corp"), asked()), undefined);
});
