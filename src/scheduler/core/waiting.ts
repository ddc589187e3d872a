/**
 * Those who wait for a task, and when they are decided for anew. What could change something for them marks their task:
 * a *pass* over its waiters begins, first over those that wait longest, then on where the last one ended. A pass goes on
 * as long as it answers somebody, so many decisions in a step: the rest is left to the steps that follow at once
 * (`carry_on`). So a step takes the same time however many wait.
 */
import type { Step } from "./event.ts";
import type { Pass, Peer, State, Task } from "./state.ts";

/** Peers that are decided for anew in one step, all tasks together. */
const DECISIONS_PER_STEP = 8;
/** A pass ends after so many decisions in a row that changed nothing; the next one goes on from there. */
const FRUITLESS_MAX = 40;
const OVER: IteratorResult<Peer> = { value: undefined, done: true };
/** How many of those who wait longest are looked at in each pass. */
const LONGEST_WAITERS = 16;

/** A peer waits from now on. One that asks again meanwhile waits on: the first of the waiters is the longest one. */
export function startWaiting({ state, nowMs }: Step, peer: Peer): void {
  const { task } = peer;
  if (task.waiters.has(peer)) return;
  peer.waitingSinceMs = nowMs;
  task.waiters.add(peer);
  state.waitingTasks.add(task);
  state.waiters += 1;
}

/** A peer waits no longer, if it did. */
export function stopWaiting(state: State, peer: Peer): void {
  const { task } = peer;
  peer.waitingSinceMs = undefined;
  if (!task.waiters.delete(peer)) return;
  state.waiters -= 1;
  if (task.waiters.size > 0) return;
  task.nextWaiters = undefined;
  state.waitingTasks.delete(task);
}

/** Something has changed for those who wait for a task. */
export function mark({ state: { backlog } }: Step, task: Task): void {
  if (task.waiters.size === 0) return;
  if (task.pass !== undefined) task.pass.isOutdated = true;
  else task.pass = newPass(task);
  backlog.add(task);
}

/** Goes on with the passes, as far as one step goes; `decide` answers a peer or lets it wait on. */
export function serveWaiters({ state: { backlog } }: Step, decide: (peer: Peer) => void): void {
  let left = DECISIONS_PER_STEP;
  for (const task of backlog) {
    left = goOnWithPass(task, decide, left);
    // The others have their turn before a task that has more.
    backlog.delete(task);
    if (task.pass !== undefined) backlog.add(task);
    if (left === 0) return;
  }
}

function goOnWithPass(task: Task, decide: (peer: Peer) => void, decisions: number): number {
  let left = decisions;
  while (task.pass !== undefined && left > 0) {
    const { pass } = task;
    const { value: peer, done } = pass.fruitless < FRUITLESS_MAX ? pass.peers.next() : OVER;
    if (done === true) {
      task.pass = pass.isOutdated && task.waiters.size > 0 ? newPass(task) : undefined;
      continue;
    }
    left -= 1;
    decide(peer);
    const isAnswered = !task.waiters.has(peer);
    pass.fruitless = isAnswered ? 0 : pass.fruitless + 1;
    // Who is answered may be a parent for those that were looked at before.
    if (isAnswered) pass.isOutdated = true;
  }
  return left;
}

function newPass(task: Task): Pass {
  return { peers: inTurn(task), fruitless: 0, isOutdated: false };
}

function* inTurn(task: Task): Generator<Peer> {
  let count = 0;
  for (const peer of task.waiters) {
    if (count === LONGEST_WAITERS) break;
    count += 1;
    yield peer;
  }
  if (count < LONGEST_WAITERS) return;
  task.nextWaiters ??= task.waiters.values();
  for (const peer of { [Symbol.iterator]: () => task.nextWaiters as Iterator<Peer> }) yield peer;
  task.nextWaiters = undefined;
}
