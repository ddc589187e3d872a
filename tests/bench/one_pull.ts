/** One blob, taken once, and what that cost each process. */
import { createHash } from "node:crypto";
import { realClock } from "../../src/runtime/clock.ts";
import { cpuSecondsOf, type Part } from "./part.ts";
import { IP, type PeerName, type Stage } from "./pull_stage.ts";
import { warmMemory } from "./warm_memory.ts";

const MIB = 1024 * 1024;
/** After a pull: peers bring the content to stable storage behind it. */
const SETTLE_MS = 300;
/** What a pull writes at most: a seed's copy and a peer's, and some room beside. */
const WARM_COPIES = 3;
const clock = realClock();
const never = new AbortController().signal;

export type Role = PeerName | "reader";

/** What a pull took. */
export interface Pull {
  readonly ms: number;
  readonly firstByteMs: number;
  readonly cpuSeconds: Readonly<Record<Role, number>>;
}

/** Reads a blob, and checks it. */
async function read({ port }: Part, registry: Part, name: string, digest: string, headers: HeadersInit) {
  const startedAt = clock.now();
  const response = await fetch(`http://${IP}:${port}/v2/${name}/blobs/${digest}?ns=${IP}:${registry.port}`, {
    headers,
  });
  const reader = response.body?.getReader({ mode: "byob" });
  const hash = createHash("sha256");
  let buffer = new Uint8Array(MIB);
  let firstByteMs = 0;
  while (true) {
    const step = await reader?.read(buffer);
    if (step === undefined || step.done) break;
    if (firstByteMs === 0) firstByteMs = clock.now() - startedAt;
    hash.update(step.value);
    buffer = new Uint8Array(step.value.buffer);
  }
  if (`sha256:${hash.digest("hex")}` !== digest) throw new Error(`${response.status}: not the content of ${digest}`);
  return { ms: clock.now() - startedAt, firstByteMs };
}

function cpuSeconds({ peers }: Stage): Record<Role, number> {
  return {
    reader: cpuSecondsOf(Deno.pid),
    alone: peers.alone.cpuSeconds(),
    seed: peers.seed.cpuSeconds(),
    first: peers.first.cpuSeconds(),
    second: peers.second.cpuSeconds(),
  };
}

/** Takes a blob by the mirror of a peer, or straight from the registry. */
export async function pull(
  stage: Stage,
  from: PeerName | "registry",
  name: string,
  digest: string,
  headers = {},
): Promise<Pull> {
  await warmMemory(stage.dir, WARM_COPIES * stage.contentBytes);
  const before = cpuSeconds(stage);
  const times = await read(
    from === "registry" ? stage.registry : stage.peers[from],
    stage.registry,
    name,
    digest,
    headers,
  );
  await clock.sleep(SETTLE_MS, never);
  const after = cpuSeconds(stage);
  const used = (role: Role) => after[role] - before[role];
  return {
    ...times,
    cpuSeconds: {
      reader: used("reader"),
      alone: used("alone"),
      seed: used("seed"),
      first: used("first"),
      second: used("second"),
    },
  };
}
