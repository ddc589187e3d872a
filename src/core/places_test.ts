import assert from "node:assert/strict";
import { Places } from "./places.ts";

const NEVER = new AbortController().signal;
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

Deno.test("so many have a place at a time, and who waits gets the next one in order", async () => {
  const places = new Places(2);
  const held: { readonly name: string; readonly place: Disposable }[] = [];
  const take = (name: string) => places.take(NEVER).then((place) => held.push({ name, place }));
  for (const name of ["a", "b", "c", "d"]) void take(name);
  await turns();
  assert.deepEqual(held.map(({ name }) => name), ["a", "b"]);
  held[1]?.place[Symbol.dispose]();
  held[1]?.place[Symbol.dispose]();
  await turns();
  assert.deepEqual(held.map(({ name }) => name), ["a", "b", "c"], "a place is given back once");
  for (const { place } of held) place[Symbol.dispose]();
  await turns();
  assert.equal(held.length, 4);
  held[3]?.place[Symbol.dispose]();
  using _again = await places.take(NEVER);
  using _too = await places.take(NEVER);
});

Deno.test("who no longer wants a place leaves the row, and loses none that others wait for", async () => {
  const places = new Places(1);
  const first = await places.take(NEVER);
  const left = new AbortController();
  const leaving = assert.rejects(places.take(left.signal), /it was too long/);
  const second = places.take(NEVER);
  left.abort(new Error("it was too long"));
  await leaving;
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  await assert.rejects(places.take(left.signal), /it was too long/);
  using _place = await places.take(NEVER);
});
