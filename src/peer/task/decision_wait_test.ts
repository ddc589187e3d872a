import assert from "node:assert/strict";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { PeerEvent } from "../control/control.ts";
import { DecisionWait } from "./decision_wait.ts";
import type { PullNotes } from "./pull_journal.ts";

const EVENT = { kind: "reschedule", parents: [], description: "" } as const satisfies PeerEvent;
const NEVER = new AbortController().signal;

/** What is noted of a decision that takes 200 ms. */
async function noted(line: { readonly isUnderWay: boolean }): Promise<unknown[]> {
  const clock = new VirtualClock();
  const notes: unknown[] = [];
  const note: PullNotes["note"] = (kind, { ms } = {}) => void notes.push([kind, ms]);
  const wait = new DecisionWait({
    runtime: { clock, log: new MemoryLog() },
    notes: { note } as PullNotes,
    talk: {
      ask: async () => {
        await clock.sleep(200, NEVER);
        return { kind: "back_to_source", description: "" };
      },
      isAlive: () => Promise.resolve(true),
      failure: undefined,
    },
    line: { ...line, complete: new Promise(() => {}), start: () => {} },
    taskId: "task",
    mayDoubt: false,
  });
  const asked = wait.ask(EVENT, NEVER);
  await clock.advance(200);
  await asked;
  return notes;
}

Deno.test("a decision costs a pull what it takes, and nothing while the source is asked already", async () => {
  assert.deepEqual(await noted({ isUnderWay: false }), [["decision", 200]]);
  assert.deepEqual(await noted({ isUnderWay: true }), [["decision", 0]]);
});
