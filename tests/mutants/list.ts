import type { Mutant } from "./mutant.ts";

const CORE = "src/scheduler/core";
const TASK = "src/peer/task";
const STORAGE = "src/peer/storage";

/** Who becomes a parent. */
const CHOICE: readonly Mutant[] = [
  {
    what: "upload slots are ignored",
    file: `${CORE}/evaluate.ts`,
    good: "return host.uploads < (host.facts.isSeed ? settings.seedUploadsMax : settings.hostUploadsMax);",
    bad: "return host.uploads >= 0 || settings.seedUploadsMax > 0;",
    tests: [`${CORE}/algorithm_swarm_test.ts`, `${CORE}/choice_test.ts`],
  },
  {
    what: "seed peers have no more upload slots than others",
    file: `${CORE}/evaluate.ts`,
    good: "host.facts.isSeed ? settings.seedUploadsMax : settings.hostUploadsMax",
    bad: "settings.hostUploadsMax",
    tests: [`${CORE}/algorithm_swarm_test.ts`, `${CORE}/choice_test.ts`, `${CORE}/evaluate_test.ts`],
  },
  {
    what: "children are not counted as uploads",
    file: `${CORE}/dag.ts`,
    good: "host.uploads += 1;",
    bad: "",
    tests: [`${CORE}/properties_test.ts`, `${CORE}/algorithm_swarm_test.ts`],
  },
  {
    what: "children that were served do not speak for their parent",
    file: `${CORE}/apply.ts`,
    good: `if (parent !== undefined) speak(parent.host.reputation, "served"`,
    bad: `if (parent === peer) speak(parent.host.reputation, "served"`,
    tests: [`${CORE}/trust_test.ts`],
  },
  {
    what: "a slow last piece does not count in our ranking",
    file: `${CORE}/algorithm_swarm.ts`,
    good: "Number(!isOutlier(costs))",
    bad: "Number(costs.count >= 0 || !isOutlier(costs))",
    tests: [`${CORE}/algorithm_swarm_test.ts`, `${CORE}/choice_test.ts`],
  },
  {
    what: "a slow last piece does not count in Dragonfly's filter",
    file: `${CORE}/algorithm_default.ts`,
    good: ".filter(({ costs }) => !isOutlier(costs))",
    bad: ".filter(({ costs }) => costs.count >= 0 || !isOutlier(costs))",
    tests: [`${CORE}/algorithm_default_test.ts`, `${CORE}/choice_test.ts`],
  },
  {
    what: "a parent may close a cycle",
    file: `${CORE}/dag.ts`,
    good: "return parent.level < level && level < ceiling;",
    bad: "return parent.level <= level || level < ceiling;",
    tests: [`${CORE}/properties_test.ts`, `${CORE}/stories_test.ts`],
  },
  {
    what: "a parent that failed a peer is given to it again",
    file: `${CORE}/fit.ts`,
    good: 'child.blocked.has(id) ? "blocked" : undefined',
    bad: "undefined",
    tests: [`${CORE}/stories_test.ts`, `${CORE}/properties_test.ts`],
  },
  {
    what: "parents far away are given besides near ones",
    file: `${CORE}/candidates.ts`,
    good: "const isFarther = near < nearest && parent.host.places.length > 0;",
    bad: "const isFarther = near < 0 * nearest && parent.host.places.length > 0;",
    tests: [`${CORE}/choice_test.ts`, `${CORE}/algorithm_swarm_test.ts`],
  },
  {
    what: "peers below a dead root count as supplied",
    file: `${CORE}/suppliers.ts`,
    good: "if (parent === undefined) strand(path.pop() as Peer);",
    bad: "if (parent === undefined) return true;",
    tests: [`${CORE}/stranded_test.ts`, `${CORE}/stories_test.ts`],
  },
];

/** Who waits, and who goes to the source. */
const SOURCE: readonly Mutant[] = [
  {
    what: "the seed peer of a task is the first, and not chosen by a hash",
    file: `${CORE}/seeds.ts`,
    good: "if (best === undefined || weight > best.weight)",
    bad: "if (best === undefined || weight === best.weight)",
    tests: [`${CORE}/choice_test.ts`, `${CORE}/stories_test.ts`],
  },
  {
    what: "a seed peer that could not be reached is asked again at once",
    file: `${CORE}/seeds.ts`,
    good: " || host.skippedUntilMs > nowMs",
    bad: "",
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "a fetcher that is late does not count as a failure",
    file: `${CORE}/schedule.ts`,
    good: "task.sourceFailures += 1;",
    bad: "",
    tests: [`${CORE}/late_fetchers_test.ts`],
  },
  {
    what: "a fetcher that failed does not count as one",
    file: `${CORE}/peers.ts`,
    good: "task.sourceFailures += 1;",
    bad: "",
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "after failures nobody goes besides the next one",
    file: `${CORE}/schedule.ts`,
    good: "return hasProspects(step, peer, 2 ** doublings);",
    bad: "return hasProspects(step, peer, 1 + 0 * doublings);",
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "two seed peers are asked for one task",
    file: `${CORE}/schedule.ts`,
    good: "if (task.trigger !== undefined && step.nowMs < task.trigger.deadlineMs) return false;",
    bad: "",
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "a seed peer that was replaced goes to the source too",
    file: `${CORE}/register.ts`,
    good: "wish.needBackToSource && !isReplaced(peer)",
    bad: 'wish.needBackToSource && (!isReplaced(peer) || peer.id !== "")',
    tests: [`${CORE}/late_seed_test.ts`],
  },
  {
    what: "more peers go to the source than may",
    file: `${CORE}/schedule.ts`,
    good: "return task.fetchers.size < step.state.settings.sourcePeersMax;",
    bad: "return task.fetchers.size < Infinity * step.state.settings.sourcePeersMax;",
    tests: [`${CORE}/stories_test.ts`, `${CORE}/properties_test.ts`],
  },
  {
    what: "who may not go to the source waits for ever",
    file: `${CORE}/schedule.ts`,
    good: "if (waitedMs < limitMs) return;",
    bad: 'if (waitedMs < limitMs || peer.id !== "") return;',
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "a stream has as many answers as it asks for",
    file: `${CORE}/apply.ts`,
    good: "peer.answers < ANSWERS_MAX) return",
    bad: "peer.answers < Infinity * ANSWERS_MAX) return",
    tests: [`${CORE}/stories_test.ts`],
  },
];

/** What is remembered, and of whom. */
const MEMORY: readonly Mutant[] = [
  {
    what: "finished peers are kept for ever",
    file: `${CORE}/gc.ts`,
    good: "task.peers.size <= PEERS_KEPT_PER_TASK || children.size > 0",
    bad: "task.peers.size <= Infinity * PEERS_KEPT_PER_TASK || children.size > 0",
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "finished peers are forgotten while somebody downloads from them",
    file: `${CORE}/gc.ts`,
    good: "task.peers.size <= PEERS_KEPT_PER_TASK || children.size > 0",
    bad: "task.peers.size <= PEERS_KEPT_PER_TASK",
    tests: [`${CORE}/stories_test.ts`],
  },
  {
    what: "seed peers are forgotten as some of many",
    file: `${CORE}/gc.ts`,
    good: "isPersistent || host.facts.isSeed || ",
    bad: "isPersistent || ",
    tests: [`${CORE}/gc_test.ts`],
  },
  {
    what: "peers that say nothing any more are kept for ever",
    file: `${CORE}/gc.ts`,
    good: "return silentMs > gc.peerTtlMs;",
    bad: "return silentMs > Infinity * gc.peerTtlMs;",
    tests: [`${CORE}/gc_test.ts`],
  },
  {
    what: "a host that nobody was given can be accused",
    file: `${CORE}/apply.ts`,
    good: "!temporary || !peer.assigned.has(parentId) || ",
    bad: "!temporary || ",
    tests: [`${CORE}/trust_test.ts`],
  },
  {
    what: "a host that accuses again has a second voice",
    file: `${CORE}/reputation.ts`,
    good: "(beforeMs === undefined ? 0 : faded(nowMs - beforeMs))",
    bad: "(beforeMs === undefined ? 0 : 0 * faded(nowMs - beforeMs))",
    tests: [`${CORE}/reputation_test.ts`],
  },
  {
    what: "a host may have as many peers as it likes",
    file: `${CORE}/register.ts`,
    good: "if (host.peers.size >= peersPerHostMax)",
    bad: "if (host.peers.size >= Infinity * peersPerHostMax)",
    tests: [`${CORE}/trust_test.ts`],
  },
];

/** One download on a peer. */
const ENGINE: readonly Mutant[] = [
  {
    what: "a banned host is asked for pieces",
    file: `${TASK}/download.ts`,
    good: "hostId === control.hostId || bans.has(hostId)",
    bad: "hostId === control.hostId",
    tests: [`${TASK}/swarm_test.ts`],
  },
  {
    what: "parents are asked for again once more than they may be",
    file: `${TASK}/download.ts`,
    good: "if (asked >= maxScheduleCount) {",
    bad: "if (asked > maxScheduleCount) {",
    tests: [`${TASK}/swarm_test.ts`, `${TASK}/tasks_test.ts`],
  },
  {
    what: "the source is asked though that is forbidden",
    file: `${TASK}/download.ts`,
    good: "if (!this.#subject.request.disableBackToSource) {",
    bad: "if (why !== undefined || !this.#subject.request.disableBackToSource) {",
    tests: [`${TASK}/swarm_test.ts`, `${TASK}/tasks_test.ts`],
  },
  {
    what: "a liar is not told from those who gave right pieces",
    file: `${TASK}/lies.ts`,
    good: `if (parentId === "" || lies.has(parentId) || digest === trueDigest(number)) continue;`,
    bad: `if (parentId === "" || lies.has(parentId) || digest === String(trueDigest)) continue;`,
    tests: [`${TASK}/swarm_test.ts`],
  },
  {
    what: "a ban never ends",
    file: `${TASK}/ban_list.ts`,
    good: "this.#clock.now() + BAN_MS",
    bad: "Infinity + BAN_MS",
    tests: [`${TASK}/ban_list_test.ts`],
  },
  {
    what: "the last byte is given before the digest is known to be right",
    file: `${TASK}/reader.ts`,
    good: "givesEnd ? contentLength : contentLength - 1",
    bad: "contentLength",
    tests: [`${TASK}/swarm_test.ts`, `${TASK}/tasks_test.ts`],
  },
  {
    what: "who read wrong bytes goes on with right ones",
    file: `${TASK}/reader.ts`,
    good: "if (!isRight) throw",
    bad: "if (!isRight && given.length < 0) throw",
    tests: [`${TASK}/swarm_test.ts`],
  },
  {
    what: "of the pieces that are offered the commonest is fetched first",
    file: `${TASK}/plan.ts`,
    good: "if (least < rarity) rarest = [];",
    bad: "if (least > rarity) rarest = [];",
    tests: [`${TASK}/plan_test.ts`],
  },
  {
    what: "peers that wait for a dead parent are blamed for it",
    file: `${TASK}/parents_stage.ts`,
    good: "state.isBereft = this.#hasLostParent;",
    bad: "state.isBereft = false;",
    tests: [`${TASK}/swarm_test.ts`],
  },
  {
    what: "whoever was told last is told next",
    file: "src/peer/upload/turns.ts",
    good: "    this.at = at;\n    return number;",
    bad: "    return number;",
    tests: ["src/peer/upload/turns_test.ts"],
  },
  {
    what: "what takes long to send has no more time to spread",
    file: "src/peer/upload/turns.ts",
    good: "SPREAD_FACTOR * this.#sentMs",
    bad: "0 * this.#sentMs",
    tests: ["src/peer/upload/turns_test.ts"],
  },
  {
    what: "peers of one host make its place inhabited",
    file: `${CORE}/mates.ts`,
    good: "hostsAt(place) > 1",
    bad: "hostsAt(place) > 0",
    tests: [`${CORE}/mates_test.ts`],
  },
  {
    what: "a source that answers 5xx is asked as often as one that breaks off",
    file: `${TASK}/source_transfer.ts`,
    good: "const attemptsMax = status === undefined ? ATTEMPTS_MAX : REFUSED_ATTEMPTS_MAX;",
    bad: "const attemptsMax = status === undefined ? ATTEMPTS_MAX : ATTEMPTS_MAX + 0 * REFUSED_ATTEMPTS_MAX;",
    tests: [`${TASK}/tasks_test.ts`],
  },
  {
    what: "a slow source is kept though there is another",
    file: `${TASK}/source_requests.ts`,
    good: "if (this.#switches >= SWITCHES_MAX) return false;",
    bad: "if (this.#switches >= 0 * SWITCHES_MAX) return false;",
    tests: [`${TASK}/source_requests_test.ts`, `${TASK}/slow_source_test.ts`],
  },
  {
    what: "a piece whose checksum is another one than the parent's counts",
    file: `${STORAGE}/piece_writer.ts`,
    good: `if (expectedDigest !== "" && expectedDigest !== digest) {`,
    bad: `if (expectedDigest !== "" && expectedDigest !== digest && digest === "") {`,
    tests: [`${STORAGE}/storage_test.ts`],
  },
  {
    what: "a content is sealed whatever its hash",
    file: `${STORAGE}/content_task.ts`,
    good: "if (hash !== undefined && !hash.isAsExpected()) {",
    bad: "if (hash !== undefined && !hash.isAsExpected() && plan.pieceCount < 0) {",
    tests: [`${STORAGE}/storage_test.ts`],
  },
  {
    what: "the hash goes along with a piece that is not next in order",
    file: `${STORAGE}/prefix_hash.ts`,
    good: "if (piece !== this.#next) return undefined;",
    bad: "",
    tests: [`${STORAGE}/storage_test.ts`],
  },
];

/** All of them; `deno task mutants` runs them. */
export const MUTANTS: readonly Mutant[] = [...CHOICE, ...SOURCE, ...MEMORY, ...ENGINE];
