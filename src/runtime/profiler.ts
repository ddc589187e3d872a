import inspector from "node:inspector";
import { DamselflyError } from "../core/error.ts";
import type { Clock } from "./clock.ts";

/** A place in the code, as V8 tells of it; lines and columns begin at 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** Where processor time went: what Chromium's tools read as `.cpuprofile`. Times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of nodes, and the time since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A place where memory was set aside, and what of it is still in use, in bytes. */
export interface HeapNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

/** What was set aside and is still in use: what Chromium's tools read as `.heapprofile`. Not what is in it. */
export interface HeapProfile {
  readonly head: HeapNode;
  readonly samples: readonly { readonly nodeId: number; readonly size: number }[];
}

/** Looks at the process itself for a while. */
export interface Profiler {
  cpu(ms: number, signal: AbortSignal): Promise<CpuProfile>;
  /** Of what is set aside from now on: nobody has taken note of what was before. */
  heap(ms: number, signal: AbortSignal): Promise<HeapProfile>;
}

const CPU_INTERVAL_MICROSECONDS = 1_000;
/** On average one of so many bytes is looked at. */
const HEAP_INTERVAL_BYTES = 32 * 1024;

/** The profiler of V8. Fails with `permission_denied` where the process may not look at itself (`--allow-sys`). */
export function realProfiler(clock: Clock): Profiler {
  return {
    cpu: (ms, signal) =>
      withSession(async (post) => {
        await post("Profiler.enable");
        await post("Profiler.setSamplingInterval", { interval: CPU_INTERVAL_MICROSECONDS });
        await post("Profiler.start");
        await clock.sleep(ms, signal);
        return (await post("Profiler.stop") as { profile: CpuProfile }).profile;
      }),
    heap: (ms, signal) =>
      withSession(async (post) => {
        await post("HeapProfiler.enable");
        await post("HeapProfiler.startSampling", { samplingInterval: HEAP_INTERVAL_BYTES });
        await clock.sleep(ms, signal);
        return (await post("HeapProfiler.stopSampling") as { profile: HeapProfile }).profile;
      }),
  };
}

type Post = (method: string, params?: object) => Promise<unknown>;

/** A session that ends in any case, and with it what it has started. */
async function withSession<T>(run: (post: Post) => Promise<T>): Promise<T> {
  const session = new inspector.Session();
  try {
    session.connect();
  } catch (cause) {
    const text = "Cannot look at this process: it needs the permission --allow-sys";
    throw new DamselflyError("permission_denied", text, { cause });
  }
  try {
    return await run((method, params = {}) =>
      new Promise((resolve, reject) => {
        session.post(method, params, (error: Error | null, result: unknown) => error ? reject(error) : resolve(result));
      })
    );
  } finally {
    session.disconnect();
  }
}
