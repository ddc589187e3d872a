import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { ClientAddress } from "./client_address.ts";
import { SignInLimits } from "./sign_in_limits.ts";

const at = (network: string, isLocal = false): ClientAddress => ({ ip: network, network, isLocal });
const MINUTES_5 = 5 * 60_000;

/** Fails until refused; how often it was allowed. */
function failures(limits: SignInLimits, account: (count: number) => string, from: (count: number) => ClientAddress) {
  for (let count = 0; count < 1_000; count++) {
    if (limits.take(account(count), from(count)) !== undefined) return count;
  }
  return Infinity;
}

Deno.test("one network has 5 failures with an account and 50 with all, and then waits 5 minutes", async () => {
  const clock = new VirtualClock();
  const limits = new SignInLimits(clock);
  assert.equal(failures(limits, () => "root", () => at("a")), 5);
  assert.equal(limits.take("root", at("a")), MINUTES_5);
  assert.equal(failures(limits, (count) => `user-${count}`, () => at("b")), 50);
  await clock.advance(MINUTES_5);
  assert.equal(limits.take("root", at("a")), undefined);
});

Deno.test("an account has 30 failures from all strangers together, and that locks out strangers only", () => {
  const limits = new SignInLimits(new VirtualClock());
  assert.equal(limits.take("root", at("home")), undefined);
  limits.succeeded("root", at("home"));
  assert.equal(failures(limits, () => "root", (count) => at(`stranger-${count}`)), 30);
  assert.equal(limits.take("root", at("another stranger")), MINUTES_5);
  assert.equal(limits.take("root", at("home")), undefined, "its owner signed in from there before");
  assert.equal(limits.take("root", at("127.0.0.1", true)), undefined, "whoever is on the machine is no stranger");
  assert.equal(limits.take("other", at("another stranger")), undefined, "another account is not concerned");
});

Deno.test("ten thousand places are remembered, the one longest unused is forgotten first", () => {
  const limits = new SignInLimits(new VirtualClock());
  const signIn = (network: string) => {
    limits.take("root", at(network));
    limits.succeeded("root", at(network));
  };
  for (let count = 0; count < 10_000; count++) signIn(`network-${count}`);
  signIn("network-0");
  signIn("one more");
  failures(limits, () => "root", (count) => at(`stranger-${count}`));
  assert.equal(limits.take("root", at("network-0")), undefined, "it signed in again meanwhile");
  assert.equal(limits.take("root", at("network-1")), MINUTES_5);
});

Deno.test("signing in rightly is never limited, and takes nothing from others", () => {
  const limits = new SignInLimits(new VirtualClock());
  for (let count = 0; count < 200; count++) {
    const from = at(`network-${count % 3}`);
    assert.equal(limits.take("root", from), undefined);
    limits.succeeded("root", from);
  }
  assert.equal(failures(limits, () => "root", (count) => at(`stranger-${count}`)), 30);
});

Deno.test("what is refused is not counted, so it makes nobody forget what others guessed", () => {
  const limits = new SignInLimits(new VirtualClock());
  assert.equal(failures(limits, () => "root", (count) => at(`stranger-${count}`)), 30);
  assert.equal(failures(limits, () => "other", () => at("a")), 5);
  for (let count = 0; count < 20_000; count++) limits.take(`user-${count}`, at("b"));
  assert.equal(limits.take("root", at("another stranger")), MINUTES_5, "by account");
  assert.equal(limits.take("other", at("a")), MINUTES_5, "by account and network");
});

Deno.test("an account that is locked takes nothing from the other accounts of its network", () => {
  const limits = new SignInLimits(new VirtualClock());
  for (let count = 0; count < 100; count++) limits.take("root", at("a"));
  assert.equal(limits.take("other", at("a")), undefined, "one account and its network is locked");
  failures(limits, () => "admin", (count) => at(`stranger-${count}`));
  for (let count = 0; count < 100; count++) limits.take("admin", at("c"));
  assert.equal(limits.take("other", at("c")), undefined, "one account is locked for strangers");
});

Deno.test("what strangers are refused counts neither for their network nor for it with the account", () => {
  const clock = new VirtualClock();
  const limits = new SignInLimits(clock);
  failures(limits, () => "root", (count) => at(`stranger-${count}`));
  for (let count = 0; count < 5; count++) limits.take("root", at("home"));
  limits.succeeded("root", at("home"));
  assert.equal(failures(limits, () => "root", () => at("home")), 5);
});
