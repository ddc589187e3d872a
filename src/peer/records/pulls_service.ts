import { DamselflyError } from "../../core/error.ts";
import { pullVerdict } from "../../core/pull_story.ts";
import { type Pull, PullsService } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { type CallContext, type RpcService, service } from "../../rpc/service.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import type { Traffic } from "../task/task.ts";
import { findPulls } from "./find_pulls.ts";
import type { PullRecord } from "./pull_record.ts";
import type { Recorder } from "./recorder.ts";
import type { RecordStore } from "./record_store.ts";

const LIMIT = 100;
const LIMIT_MAX = 1_000;
const NAME_CHARACTERS_MAX = 512;

/** What the service answers from. */
export interface PullsServiceParts {
  readonly recorder: Pick<Recorder, "running" | "unwritten" | "flush">;
  readonly store: RecordStore;
  readonly traffic: () => Traffic;
  readonly hostname: string;
  /** Whether a caller may ask, which it throws when he may not; left out where only programs of this host can. */
  readonly check?: (context: CallContext) => Promise<void>;
}

/** `damselfly.v1.Pulls`: what this host has pulled, for programs on it, and for the manager. */
export function pullsService({ recorder, store, traffic, hostname, check }: PullsServiceParts): RpcService {
  return service(PullsService, {
    listPulls: async ({ name, limit }, context) => {
      await check?.(context);
      if (name.length > NAME_CHARACTERS_MAX) {
        throw new DamselflyError(
          "invalid_argument",
          `Cannot list pulls: a name has at most ${NAME_CHARACTERS_MAX} characters`,
        );
      }
      recorder.flush();
      const unstored = [...recorder.running(), ...recorder.unwritten()];
      const found = findPulls(name, { store, unstored }, Math.min(limit || LIMIT, LIMIT_MAX));
      const { backToSource: originBytes, remotePeer: peerBytes, localPeer: localBytes } = traffic();
      const pulls = found.pulls.map(pullMessage);
      return { pulls, tagDigest: found.tag?.digest ?? "", originBytes, peerBytes, localBytes, hostname };
    },
  });
}

function pullMessage(record: PullRecord): Pull {
  const { startedAtMs, parents, events, ...rest } = record;
  const { cause, lostMs, reason } = pullVerdict(record);
  return {
    ...rest,
    ...{ cause, lostMs, reason },
    startedAt: timestampOfMs(startedAtMs),
    parents: [...parents],
    events: [...events].sort((a, b) => a.atMs - b.atMs),
  };
}
