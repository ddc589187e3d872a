/** What connections cost a manager: those of peers that ask now and then, and streams of keep-alives. */
import { KeepAliveRequest, ManagerService, SourceType } from "../../../src/rpc/gen/manager/v2/manager.ts";
import { CLUSTERS, schedulerOf } from "./content.ts";
import { openCallers, requestOf } from "./list_schedulers.ts";
import type { RawCaller } from "./raw_caller.ts";
import type { Row } from "./report.ts";
import type { ShippedManager } from "./shipped.ts";

const CONNECTIONS = 5_000;
/** Opened at a time. */
const OPENING_MAX = 50;
/** Several times, so that what grows with each would show. */
const ROUNDS = 6;
/** With all that was left of those before: V8 collects what lived for long once there is several times as much of it. */
const MIB_MAX = 768;
/** Until memory is given back that is not used any more. */
const SETTLE_MS = 5_000;
const { path } = ManagerService.keepAlive;

/** The rows about memory: so many connections that asked once, the same with a stream each, and when they are gone. */
export async function measureConnections(manager: ShippedManager): Promise<Row[]> {
  const idleMiB = manager.rssMiB();
  const [asked, held]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    using stack = new DisposableStack();
    const callers: RawCaller[] = [];
    while (callers.length < CONNECTIONS) {
      const opened = await openCallers(manager.grpcPort, OPENING_MAX);
      callers.push(...opened.map((caller) => stack.use(caller)));
      await Promise.all(opened.map((caller, n) => caller.call(requestOf(callers.length + n))));
    }
    asked.push(manager.rssMiB());
    for (const [n, caller] of callers.entries()) await caller.hold(path, keepAliveOf(n));
    await Promise.all(callers.map((caller, n) => caller.call(requestOf(n)))); // what was sent before has come
    held.push(manager.rssMiB());
    const ended = callers.filter(({ held }) => held === 0).length;
    if (ended > 0) throw new Error(`The manager ended ${ended} of ${CONNECTIONS} streams`);
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const name = `${CONNECTIONS} connections`;
  const target = { atMost: MIB_MAX };
  return [
    { what: "memory before there are connections", value: idleMiB, unit: "MiB" },
    { what: `memory with ${name} that asked for schedulers`, value: asked[0] ?? NaN, unit: "MiB" },
    { what: `memory with ${name}, each with a KeepAlive stream`, value: held[0] ?? NaN, unit: "MiB" },
    { what: `at most, while so many come and go ${ROUNDS} times`, value: Math.max(...held), unit: "MiB", target },
    { what: "memory after they are gone", value: manager.rssMiB(), unit: "MiB" },
  ];
}

function keepAliveOf(n: number): Uint8Array {
  const request = { sourceType: SourceType.SCHEDULER_SOURCE, ...schedulerOf(n % CLUSTERS) };
  return ManagerService.keepAlive.requestSerialize(KeepAliveRequest.create(request));
}
