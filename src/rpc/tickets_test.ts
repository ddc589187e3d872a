import assert from "node:assert/strict";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { hostAudience, schedulerAudience, TicketGate, Tickets, withTicket } from "./tickets.ts";
import type { GetTicketKeyResponse } from "./gen/damselfly/v1/tickets.ts";

const SECRET = "a secret of all managers of a database";
const MINUTE_MS = 60_000;

/** A gate of `here`, and what it asks its manager. */
function gateOf(clock: VirtualClock, { secret = SECRET, isDown = false } = {}) {
  const manager = { tickets: new Tickets(secret, clock), isDown, asked: 0 };
  const gate = new TicketGate({
    manager: {
      getTicketKey: async () => {
        manager.asked++;
        if (manager.isDown) throw new Error("no connection");
        return await manager.tickets.service().methods[0]?.handler({}, {} as never) as GetTicketKeyResponse;
      },
    },
    audience: () => "here",
    clock,
  });
  return { manager, check: (ticket?: string) => check(gate, ticket) };
}

function check(gate: TicketGate, ticket?: string): Promise<void> {
  const sent: Readonly<Record<string, string>> = ticket === undefined ? {} : withTicket(ticket);
  return gate.check({ metadata: { get: (name) => sent[name] } });
}

function refusal(message: RegExp) {
  return { code: "permission_denied", message };
}

Deno.test("the manager of the configuration gets in with its ticket, and its key is asked for once", async () => {
  const clock = new VirtualClock();
  const { manager, check } = gateOf(clock);
  // Another manager of the same database has the same key.
  const tickets = new Tickets(SECRET, clock);
  await Promise.all([check(tickets.ticket("here")), check(tickets.ticket("here"))]);
  await check(tickets.ticket("here"));
  assert.equal(manager.asked, 1);
});

Deno.test("nobody else gets in: without a ticket, with that of another manager, for another place, too old, changed", async () => {
  const clock = new VirtualClock();
  const { check } = gateOf(clock);
  const tickets = new Tickets(SECRET, clock);
  const good = tickets.ticket("here");
  await check(good);
  for (const none of [undefined, "", "x", "x.y", `${btoa('{"a":1}')}.y`, `${btoa("[1,2]")}.y`]) {
    await assert.rejects(check(none), refusal(/has no ticket/), String(none));
  }
  await assert.rejects(check(new Tickets("other", clock).ticket("here")), refusal(/not of the manager/));
  await assert.rejects(check(tickets.ticket("there")), refusal(/for there, and this is here/));
  const [, signature] = good.split(".");
  const forged = btoa(JSON.stringify(["here", clock.wallMs() + 1])).replaceAll("=", "");
  await assert.rejects(check(`${forged}.${signature}`), refusal(/not of the manager/));
  const ahead = new VirtualClock();
  await ahead.advance(5 * MINUTE_MS + 1);
  await assert.rejects(check(new Tickets(SECRET, ahead).ticket("here")), refusal(/clocks .* differ/));
  await clock.advance(5 * MINUTE_MS);
  await check(good);
  await clock.advance(1);
  await assert.rejects(check(good), refusal(/too old/));
});

Deno.test("without a manager nobody gets in, and while it cannot be asked it is said why", async () => {
  const clock = new VirtualClock();
  const ticket = new Tickets(SECRET, clock).ticket("here");
  const alone = new TicketGate({ manager: undefined, audience: () => "here", clock });
  await assert.rejects(check(alone, ticket), refusal(/no manager is configured/));
  const { manager, check: checkHere } = gateOf(clock, { isDown: true });
  await assert.rejects(checkHere(ticket), refusal(/does not give the key.*no connection/));
  // Callers do not make it ask again and again, and each is told why.
  await assert.rejects(checkHere(ticket), refusal(/does not give the key.*no connection/));
  assert.equal(manager.asked, 1);
  manager.isDown = false;
  await clock.advance(5_000);
  await checkHere(ticket);
  await clock.advance(5_000);
  await assert.rejects(checkHere(new Tickets("other", clock).ticket("here")), refusal(/not of the manager/));
});

Deno.test("a manager that has got another key is known by that", async () => {
  const clock = new VirtualClock();
  const { manager, check } = gateOf(clock);
  await check(manager.tickets.ticket("here"));
  manager.tickets = new Tickets("another secret", clock);
  await clock.advance(5_000);
  await check(manager.tickets.ticket("here"));
  assert.equal(manager.asked, 2);
});

Deno.test("a key that the manager has given up lets nobody in for longer than an hour", async () => {
  const clock = new VirtualClock();
  const { manager, check } = gateOf(clock);
  const stolen = new Tickets(SECRET, clock);
  await check(stolen.ticket("here"));
  manager.tickets = new Tickets("another secret", clock);
  await clock.advance(60 * MINUTE_MS);
  await check(stolen.ticket("here"));
  await clock.advance(1);
  await assert.rejects(check(stolen.ticket("here")), refusal(/not of the manager/));
  manager.isDown = true;
  await clock.advance(61 * MINUTE_MS);
  await assert.rejects(check(manager.tickets.ticket("here")), refusal(/does not give the key/));
});

Deno.test("a host that takes the id of another, or the address of a scheduler for its id, gets no ticket for these", () => {
  const victim = hostAudience({ hostId: "h", ip: "10.0.0.7" });
  const address = "10.0.0.1:8002";
  const taken = ["h", address, `scheduler ${address}`, "h at 10.0.0.7"].map((hostId) =>
    hostAudience({ hostId, ip: "10.0.0.66" })
  );
  assert.deepEqual(taken.filter((one) => one === victim || one === schedulerAudience(address)), []);
});
