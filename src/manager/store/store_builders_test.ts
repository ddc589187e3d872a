/** What tests of the store and of those who use it make rows from. */
import assert from "node:assert/strict";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ClusterInput } from "./clusters.ts";
import type { JobInput } from "./jobs.ts";
import type { SchedulerInput, SeedPeerInput } from "./services.ts";
import type { Store } from "./store.ts";

/** Opens an empty store. */
export type OpenStore = (clock: Clock) => Promise<Store>;

/** Registers a test; `Deno.test`, or what makes it a step of another one. */
export type RegisterTest = (title: string, run: () => Promise<void>) => void;

/** A cluster as a test needs it. */
export function clusterInput(input: Partial<ClusterInput> & { readonly name: string }): ClusterInput {
  return {
    bio: "",
    isDefault: false,
    scopes: {},
    schedulerClusterConfig: {},
    seedPeerClusterConfig: {},
    peerClusterConfig: {},
    ...input,
  };
}

/** A scheduler as a test needs it. */
export function schedulerInput(input: Partial<SchedulerInput> & { readonly clusterId: number }): SchedulerInput {
  return {
    hostname: "scheduler-1",
    ip: "10.0.0.1",
    port: 8002,
    idc: "",
    location: "",
    features: ["schedule"],
    keepAliveIntervalMs: 5_000,
    ...input,
  };
}

/** A seed peer as a test needs it. */
export function seedPeerInput(input: Partial<SeedPeerInput> & { readonly clusterId: number }): SeedPeerInput {
  return {
    hostname: "seed-1",
    ip: "10.0.1.1",
    type: "super",
    port: 4000,
    downloadPort: 4000,
    objectStoragePort: 0,
    idc: "",
    location: "",
    ...input,
  };
}

/** A job as a test needs it. */
export function jobInput(input: Partial<JobInput>): JobInput {
  return {
    taskId: "",
    bio: "",
    type: "preheat",
    state: "PENDING",
    args: {},
    result: {},
    userId: 0,
    schedulerClusterIds: [],
    seedPeerClusterIds: [],
    ...input,
  };
}

/** For `assert.rejects`: an error with this code, whose message matches. */
export function failsWith(code: ErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof DamselflyError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
